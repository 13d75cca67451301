// The band of a recorded run: its ends, and their values at an epoch.

import assert from "node:assert/strict";
import test from "node:test";
import { bandAt, bandOf } from "../../mnist_lab/laboratory/front/band.js";
import { Curve } from "../../mnist_lab/laboratory/front/state.js";

const rows = (data) => ({ shape: [2, data.length / 2], data: Float32Array.from(data) });
const nothing = { shape: [0], data: new Float32Array(0) };
const piece = {
  steps: 10,
  first: 0,
  loss: nothing,
  accuracy: nothing,
  history: { shape: [5, 0], data: new Float32Array(0) },
};

test("a curve has the band that came with it, read at the epoch that has ended last", () => {
  const curve = new Curve();
  curve.take({ ...piece, band: { val_loss: rows([1, 2, 3, 4, 5, 6]) } });
  curve.take(piece);
  assert.deepEqual(bandOf(curve, "val_loss"), [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)]);
  assert.deepEqual(bandAt(curve, "val_loss", 2), [2, 5]);
  assert.deepEqual(bandAt(curve, "val_loss", 2.9), [2, 5]);
  assert.deepEqual(bandAt(curve, "val_loss", 30), [3, 6]);
  assert.deepEqual(bandAt(curve, "val_loss", 0.5), []);
});

test("a curve without a band has none", () => {
  const curve = new Curve();
  curve.take(piece);
  assert.deepEqual(bandOf(curve, "val_loss"), []);
  assert.deepEqual(bandAt(curve, "val_loss", 2), []);
});
