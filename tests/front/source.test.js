// The page's data: whole, or a sentence.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { Source } from "../../mnist_lab/web/kernel/source.js";

const plain = Buffer.from(
  JSON.stringify({ digits: Array.from({ length: 5000 }, (_, i) => i * i) }),
);
const packed = gzipSync(plain);
const about = {
  file: "files/squares.bin",
  bytes: packed.length,
  sha256: createHash("sha256").update(packed).digest("hex"),
};

/** Call a function with a Source over a server that answers with these bytes. */
async function served(bytes, use, status = 200) {
  const server = createServer((_, response) => response.writeHead(status).end(bytes));
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  try {
    const base = `http://127.0.0.1:${server.address().port}/`;
    return await use(new Source({ base, manifest: { squares: about } }));
  } finally {
    server.close();
  }
}

test("a file is fetched, checked and unpacked, and says how far it is", async () => {
  const shares = [];
  const bytes = await served(packed, (source) => source.bytes("squares", (it) => shares.push(it)));
  assert.deepEqual(Buffer.from(bytes), plain);
  assert.equal(shares.at(-1), 1);
  assert.ok(shares.every((share, i) => share > 0 && share >= (shares[i - 1] ?? 0)));
});

test("what is in the page itself is read the same way", async () => {
  const source = new Source({
    files: { squares: packed.toString("base64") },
    manifest: { squares: about },
  });
  assert.equal((await source.json("squares")).digits[7], 49);
});

const changed = Buffer.from(packed);
changed[packed.length >> 1] ^= 1;
const broken = {
  "half of it": [
    packed.subarray(0, packed.length >> 1),
    /^squares is not complete\. Load the page/,
  ],
  "a changed byte": [changed, /^squares is not the file that belongs to this page\. Load the page/],
  "a page that says 404": ["gone", /^squares cannot be loaded \(the server says 404\)/, 404],
};
for (const [what, [bytes, sentence, status]] of Object.entries(broken)) {
  test(`${what} is refused in a sentence`, async () => {
    const asked = served(bytes, (source) => source.bytes("squares"), status);
    await assert.rejects(asked, ({ message }) => sentence.test(message));
  });
}

test("no server is a sentence, too", async () => {
  const gone = await served(packed, (source) => source);
  await assert.rejects(
    gone.bytes("squares"),
    /^Error: squares cannot be loaded .*Are you online\?/,
  );
});

test("a name that this page does not have is a sentence", async () => {
  const source = new Source({ files: {}, manifest: {} });
  await assert.rejects(source.bytes("record-cnn-7"), /This page has no record-cnn-7\./);
});

test("without SHA-256, as on http, gzip's own sum finds a changed byte", async (context) => {
  context.mock.getter(crypto, "subtle", () => undefined);
  await served(packed, (source) => source.bytes("squares"));
  const asked = served(changed, (source) => source.bytes("squares"));
  await assert.rejects(asked, /^Error: squares cannot be unpacked/);
});
