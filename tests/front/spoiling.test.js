// A digit is spoilt in the page as lab.corrupt does it: both are held to spoilt.json, which
// tests/test_corruptions.py writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { SIDE, shifted } from "../../mnist_lab/laboratory/front/digits.js";
import {
  corrupted,
  inWords,
  KINDS,
  spoil,
  thickened,
  turned,
  UNSPOILT,
} from "../../mnist_lab/laboratory/front/spoiling.js";

const shared = JSON.parse(readFileSync(new URL("spoilt.json", import.meta.url)));
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const image = Float32Array.from(bytes(shared.image), (value) => value / 255);

function assertClose(pixels, expected) {
  assert.equal(pixels.length, expected.length);
  pixels.forEach((value, place) => {
    const found = Math.round(255 * value);
    assert.ok(Math.abs(found - expected[place]) <= 1, `pixel ${place}: ${found}`);
  });
}

function sum(pixels) {
  return pixels.reduce((total, value) => total + value, 0);
}

test("each kind in each strength makes the same pixels as in Python", () => {
  assert.deepEqual(KINDS, Object.keys(shared.spoilt));
  for (const kind of KINDS) {
    shared.spoilt[kind].forEach((expected, i) => {
      assertClose(spoil(image, { ...UNSPOILT, kind, strength: i + 1 }), bytes(expected));
    });
  }
});

test("spoilt again, it is the same", () => {
  for (const kind of KINDS) assert.deepEqual(corrupted(image, kind, 3), corrupted(image, kind, 3));
});

test("moving there and back, and turning all around, change nothing", () => {
  assert.deepEqual(shifted(shifted(image, 2, -1), -2, 1), image);
  assertClose(
    turned(image, 360),
    Array.from(image, (value) => 255 * value),
  );
  const quarter = turned(image, 90);
  assert.ok(Math.abs(quarter[20 * SIDE + 17] - image[10 * SIDE + 20]) < 1e-6);
});

test("thicker has more ink, and thinner less", () => {
  assert.ok(sum(thickened(image)) > 1.2 * sum(image));
  assert.ok(sum(spoil(image, { ...UNSPOILT, thickness: -1 })) < 0.8 * sum(image));
});

test("unspoilt it is as it was; inverted twice, too; and it is said in words", () => {
  assert.deepEqual(spoil(image, UNSPOILT), image);
  const inverted = spoil(image, { ...UNSPOILT, inverted: true });
  assertClose(
    spoil(inverted, { ...UNSPOILT, inverted: true }),
    Array.from(image, (value) => 255 * value),
  );
  assert.equal(inWords(UNSPOILT), "");
  const how = {
    thickness: -2,
    angle: 20,
    right: -1,
    down: 3,
    kind: "blur",
    strength: 2,
    inverted: true,
  };
  const words = "thinner × 2, turned 20° right, moved 1 left, moved 3 down, blur × 2, inverted";
  assert.equal(inWords(how), words);
});
