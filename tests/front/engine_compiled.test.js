// engine.wasm is what engine.ts compiles to, by the command in package.json.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import asc from "assemblyscript/asc";

const root = new URL("../../", import.meta.url);

test("engine.wasm is what `npm run engine` makes of engine.ts", async () => {
  const { scripts } = JSON.parse(readFileSync(new URL("package.json", root)));
  const [, ...options] = scripts.engine.split(" ");
  const files = {};
  const { error, stderr } = await asc.main(options, {
    readFile: (name) => {
      const path = new URL(name, root);
      try {
        return readFileSync(path, "utf-8");
      } catch {
        return null;
      }
    },
    writeFile: (name, contents) => {
      files[name] = contents;
    },
    listFiles: () => [],
  });
  assert.equal(error, null, stderr.toString());
  const [[name, compiled]] = Object.entries(files);
  assert.deepEqual(Buffer.from(compiled), readFileSync(new URL(name, root)));
});
