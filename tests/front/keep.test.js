// Which digit the page asks for next.

import assert from "node:assert/strict";
import test from "node:test";
import { nextDigit } from "../../mnist_lab/laboratory/front/keep.js";

test("each digit is asked for twice, from 0 to 9", () => {
  const kept = [];
  for (let i = 0; i < 20; i++) {
    const { label, words } = nextDigit(kept);
    assert.equal(label, i % 10);
    assert.equal(words, `Draw ${label === 8 ? "an" : "a"} ${label} — ${i + 1} of 20`);
    kept.push(label);
  }
  assert.equal(nextDigit(kept).words, "All 20 are kept. Draw more if you like.");
  assert.equal(nextDigit(kept, 3).words, "Draw a 3 — one more");
});

test("what is missing is asked for, whatever was chosen before or taken back", () => {
  assert.deepEqual(nextDigit([5, 5, 5]), { label: 0, words: "Draw a 0 — 3 of 20" });
  assert.deepEqual(nextDigit([5, 5, 5], 5), { label: 5, words: "Draw a 5 — one more" });
  assert.deepEqual(nextDigit([0, 1, 3]), { label: 2, words: "Draw a 2 — 4 of 20" });
});
