// Seeds decide the same numbers as in Python: both are held to random.json, which
// tests/web/test_golden.py writes.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";
import {
  dropoutMask,
  epochOrder,
  fitSample,
  glorotUniform,
  PythonRandom,
  truncatedNormal,
} from "../../mnist_lab/web/engine/random.js";

const golden = JSON.parse(readFileSync(new URL("random.json", import.meta.url)));
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const floats = (text) => new Float32Array(bytes(text).buffer);
const digest = (array) => createHash("sha256").update(array).digest("hex");

/** Within one of the float32 numbers next to it: sines and logarithms are rounded differently. */
function assertNear(values, expected) {
  assert.equal(values.length, expected.length);
  values.forEach((value, place) => {
    const away = Math.abs(value - expected[place]);
    assert.ok(away <= Math.abs(expected[place]) * 2 ** -22, `${value}, not ${expected[place]}`);
  });
}

for (const { seed, python, uniform, normal, orders, masks } of golden.seeds) {
  test(`seed ${seed} gives the numbers of Python`, () => {
    const random = new PythonRandom(seed);
    const drawn = Array.from({ length: 700 }, () => random.randint(1, 1e9));
    assert.deepEqual([...drawn.slice(0, 8), ...drawn.slice(-8)], python);
  });

  test(`seed ${seed} gives the initial weights of TensorFlow`, () => {
    const [own] = python;
    for (const { shape, values } of uniform) {
      assert.deepEqual(glorotUniform(own, shape), floats(values));
    }
    for (const { shape, values } of normal) {
      assertNear(truncatedNormal(own, shape, 0.01), floats(values));
    }
  });

  test(`seed ${seed} gives the orders of NumPy and the dropout masks of the lab`, () => {
    for (const { epoch, images, digest: expected } of orders) {
      assert.equal(digest(epochOrder(seed, epoch, images)), expected);
    }
    for (const { rate, step, call, size, kept } of masks) {
      assert.deepEqual(dropoutMask(seed, step, call, size, rate), bytes(kept));
    }
  });
}

test("the fit accuracy is measured on the same images", () => {
  for (const [images, expected] of Object.entries(golden.fit_samples)) {
    assert.equal(digest(fitSample(Number(images))), expected);
  }
});
