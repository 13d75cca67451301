// A digit drawn in the browser is prepared as Python prepares it: both are held to digits.json,
// which tests/laboratory/test_digits.py writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import {
  FIELD,
  inWords,
  prepare,
  rasterize,
  SIDE,
  shifted,
  spoil,
  thickened,
  turned,
  UNSPOILT,
} from "../../mnist_lab/laboratory/front/digits.js";

const shared = JSON.parse(readFileSync(new URL("digits.json", import.meta.url)));
const drawn = shared.drawn.map(({ strokes }) => rasterize(strokes, FIELD));

function assertClose(image, pixels, within = 1) {
  assert.equal(image.length, pixels.length);
  image.forEach((value, place) => {
    assert.ok(Math.abs(255 * value - pixels[place]) <= within, `pixel ${place}: ${255 * value}`);
  });
}

function sum(image) {
  return image.reduce((total, value) => total + value, 0);
}

test("what is drawn is prepared as in Python", () => {
  drawn.forEach((ink, i) => {
    assertClose(prepare(ink, FIELD), shared.drawn[i].pixels);
  });
});

test("MNIST's own digits come out as they went in", () => {
  for (const pixels of shared.mnist) {
    const large = new Float32Array(FIELD * FIELD);
    large.forEach((_, place) => {
      const [x, y] = [place % FIELD, Math.floor(place / FIELD)];
      large[place] = pixels[Math.floor(y / 10) * SIDE + Math.floor(x / 10)] / 255;
    });
    assertClose(prepare(large, FIELD), pixels);
  }
});

test("a digit is drawn upon, and rubbed out, where it is", () => {
  const below = Float32Array.from(shared.mnist[0], (value) => value / 255);
  assertClose(rasterize(shared.drawn[1].strokes, SIDE, below), shared.upon);
  const rubbed = [{ points: [[0, 0], [FIELD, FIELD]], erasing: true }]; // biome-ignore format: a line
  assert.ok(sum(rasterize(rubbed, SIDE, below)) < sum(below));
});

test("nothing drawn is nothing prepared", () => {
  assert.equal(sum(prepare(new Float32Array(FIELD * FIELD), FIELD)), 0);
});

test("size and place in the field do not matter", () => {
  const line = (scale, by) => ({
    points: [[0, 0], [40, 120], [90, 60]].map(([x, y]) => [scale * x + by, scale * y + by]), // biome-ignore format: a line
  });
  const [small, large] = [line(1, 20), line(1, 90)].map((stroke) =>
    prepare(rasterize([stroke], FIELD), FIELD),
  );
  assertClose(
    small,
    Array.from(large, (value) => 255 * value),
  );
});

test("moving there and back, and turning all around, change nothing", () => {
  const image = prepare(drawn[0], FIELD);
  assert.deepEqual(shifted(shifted(image, 2, -1), -2, 1), image);
  assertClose(
    turned(image, 360),
    Array.from(image, (value) => 255 * value),
  );
  const quarter = turned(image, 90);
  assert.ok(Math.abs(quarter[10 * SIDE + 17] - image[10 * SIDE + 10]) < 1e-6);
});

test("thicker has more ink, thinner less, and noise is the same each time", () => {
  const image = prepare(drawn[0], FIELD);
  assert.ok(sum(thickened(image)) > 1.2 * sum(image));
  assert.ok(sum(spoil(image, { ...UNSPOILT, thickness: -1 })) < 0.8 * sum(image));
  const noisy = spoil(image, { ...UNSPOILT, noise: 2 });
  assert.deepEqual(noisy, spoil(image, { ...UNSPOILT, noise: 2 }));
  assert.ok(noisy.every((value) => value >= 0 && value <= 1));
  assert.notDeepEqual(noisy, image);
});

test("unspoilt it is as it was; inverted twice, too; and it is said in words", () => {
  const image = prepare(drawn[1], FIELD);
  assert.deepEqual(spoil(image, UNSPOILT), image);
  const inverted = spoil(image, { ...UNSPOILT, inverted: true });
  assertClose(
    spoil(inverted, { ...UNSPOILT, inverted: true }),
    Array.from(image, (value) => 255 * value),
  );
  assert.equal(inWords(UNSPOILT), "");
  const how = { thickness: -2, angle: 20, right: -1, down: 3, noise: 1, inverted: true };
  const words = "thinner × 2, turned 20° right, moved 1 left, moved 3 down, noise × 1, inverted";
  assert.equal(inWords(how), words);
});
