// A digit drawn in the browser is prepared as Python prepares it: both are held to digits.json,
// which tests/test_digits.py writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import {
  DRAWING,
  FIELD,
  halved,
  prepare,
  rasterize,
  SIDE,
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
    const drawing = halved(ink);
    assert.equal(drawing.length, DRAWING ** 2);
    const image = prepare(drawing, DRAWING).map((value) => value / 255);
    assertClose(image, shared.drawn[i].pixels);
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
