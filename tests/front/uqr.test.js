// uqr is shipped as npm has it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const root = new URL("../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");

test("uqr is the published one, of the version that its README names", () => {
  const shipped = "mnist_lab/web/shell/uqr/";
  for (const file of ["LICENSE", "dist/index.mjs"]) {
    assert.equal(read(shipped + file.split("/").at(-1)), read(`node_modules/uqr/${file}`), file);
  }
  const { version } = JSON.parse(read("node_modules/uqr/package.json"));
  assert.ok(read(`${shipped}README.md`).startsWith(`uqr ${version} `));
});
