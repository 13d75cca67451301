// Opens the page: starts the Worker, and puts the laboratory over it.

import { laboratory } from "../../laboratory/front/main.js";
import { Source } from "../kernel/source.js";
import { Head } from "./head.js";
import { modelOf } from "./model.js";
import { Records } from "./records.js";

begin().catch((problem) => complain(problem.message));

async function begin() {
  followTheme();
  const open = { ...places(), link: location.hash.slice(1) };
  const lacking = lacks();
  if (lacking) return complain(lacking);
  const code = await new Source(open).bytes("worker.js");
  // From a Blob and not from its address: then the page's Content-Security-Policy is its own, too.
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  worker.addEventListener("error", ({ message }) => complain(`Something went wrong: ${message}`));
  const model = modelOf(worker);
  const head = new Head((ask, about) => model.send({ ask, ...about }));
  model.on("msg:custom", (values) => {
    head.take(values);
    if (values.images?.loaded) keepForLater();
  });
  addEventListener("hashchange", () => model.send({ ask: "link", text: location.hash.slice(1) }));
  worker.postMessage({ open });
  laboratory.render({ model, el: document.getElementById("laboratory"), more: [Records] });
}

/** Say where the data are: in this page, or beside it. */
function places() {
  const manifest = JSON.parse(document.getElementById("manifest").textContent);
  const inside = [...document.querySelectorAll("script[data-name]")];
  if (!inside.length) return { manifest, base: new URL(".", location.href).href };
  const files = Object.fromEntries(inside.map((each) => [each.dataset.name, each.textContent]));
  return { manifest, files };
}

/** Say what the browser lacks that nothing goes without; "" if it has all. */
function lacks() {
  const needed = ["Worker", "DecompressionStream"];
  const missing = needed.filter((name) => !(name in globalThis));
  return missing.length
    ? `This browser has no ${missing.join(", no ")}, and the laboratory needs it. Firefox, Chrome, Edge and Safari of 2023 and later have it.`
    : "";
}

/** Show a sentence about what does not work. */
function complain(words) {
  document.getElementById("loading").textContent = "";
  document.getElementById("share").hidden = true;
  const trouble = document.getElementById("trouble");
  trouble.textContent = words;
  trouble.hidden = false;
}

/** Let the charts know when the screen turns dark or light: they look at the body. */
function followTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tell = () => {
    document.body.dataset.dark = dark.matches;
  };
  dark.addEventListener("change", tell);
  tell();
}

/** Keep the page for times without a network, where the browser allows. */
function keepForLater() {
  if (document.querySelector("link[rel=manifest]"))
    navigator.serviceWorker?.register("service-worker.js").catch(() => {});
}
