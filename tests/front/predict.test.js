// Curves that are drawn before a training, and the pitch of a tone.

import assert from "node:assert/strict";
import test from "node:test";
import { pitch } from "../../mnist_lab/laboratory/front/heard.js";
import { bounded, redrawn } from "../../mnist_lab/laboratory/front/predict.js";

test("a first touch makes a level curve, and a line changes the epochs that it passes", () => {
  assert.deepEqual(redrawn([], 4, [2, 0.5], [2, 0.5]), [0.5, 0.5, 0.5, 0.5]);
  const drawn = redrawn([0.5, 0.5, 0.5, 0.5, 0.5], 5, [2, 0.6], [4, 0.8]);
  assert.deepEqual(
    drawn.map((value) => bounded("val_accuracy", value)),
    [0.5, 0.6, 0.7, 0.8, 0.5],
  );
  // From right to left, it is the same line.
  assert.deepEqual(
    redrawn(Array(5).fill(0.5), 5, [4, 0.8], [2, 0.6]).map((value) =>
      bounded("val_accuracy", value),
    ),
    [0.5, 0.6, 0.7, 0.8, 0.5],
  );
});

test("with other epochs than before, a curve is cut or goes on level", () => {
  assert.deepEqual(redrawn([0.1, 0.2, 0.3], 2, [1, 0.4], [1, 0.4]), [0.4, 0.2]);
  assert.deepEqual(redrawn([0.1, 0.2], 4, [1, 0.4], [1, 0.4]), [0.4, 0.2, 0.2, 0.2]);
});

test("values stay within what their measure can be", () => {
  assert.deepEqual(
    [-1, 0.98765, 3].map((value) => bounded("val_accuracy", value)),
    [0, 0.988, 1],
  );
  assert.deepEqual(
    [-1, 0.123456, 1e9].map((value) => bounded("val_loss", value)),
    [1e-4, 0.123, 100],
  );
});

test("a better accuracy sounds higher, within two octaves", () => {
  const pitches = [0, 0.5, 0.9, 0.98, 0.995, 1].map(pitch);
  assert.deepEqual(
    pitches,
    pitches.toSorted((one, other) => one - other),
  );
  assert.equal(pitches[0], 220);
  assert.ok(Math.abs(pitches.at(-1) - 880) < 1e-6);
});
