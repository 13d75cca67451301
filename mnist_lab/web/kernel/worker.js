// The entry of the Worker: it opens the laboratory, then hears the page.

import { Laboratory } from "./laboratory.js";
import { pack } from "./pack.js";
import { Source } from "./source.js";

let opened; // the laboratory, once its figures are loaded

function tell(values) {
  const { content, buffers } = pack(values);
  postMessage(
    { content, buffers },
    buffers.map(({ buffer }) => buffer),
  );
}

addEventListener("message", async ({ data: { open, content, buffers } }) => {
  if (open) opened = Laboratory.open(new Source(open), tell, open).catch(complain);
  else (await opened)?.hear(content, buffers);
});

/** Say why there is no laboratory; the head of the page shows it. */
function complain({ message }) {
  tell({ loading: { words: message, share: null } });
}
