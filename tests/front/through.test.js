// A sum adds up as it is shown, and a point of the canvas is the value that lies there.

import assert from "node:assert/strict";
import test from "node:test";
import { arrangement, tileAt } from "../../mnist_lab/laboratory/front/mosaic.js";
import { asShown, placeWords, sumRows } from "../../mnist_lab/laboratory/front/sums.js";

function sumOf(count, listed) {
  const inputs = Array.from({ length: count }, (_, i) => Math.sin(i + 1) / 3);
  const weights = inputs.map((value, i) => value * Math.cos(i));
  const bias = 0.12345678;
  const before = inputs.reduce((sum, value, i) => sum + value * weights[i], bias);
  const places = inputs.slice(0, listed).map((_, i) => [i]);
  return { places, inputs: { data: inputs }, weights: { data: weights }, count, bias, before };
}

test("what is shown of a sum adds up exactly", () => {
  for (const [count, listed] of [
    [784, 10],
    [9, 9],
    [1, 1],
  ]) {
    // biome-ignore format: a line
    const sum = sumOf(count, listed);
    const rows = sumRows(sum, placeWords);
    const shown = rows.reduce((total, [, value]) => total + value, 0);
    assert.equal(asShown(shown), asShown(sum.before));
    const others = rows.some(([words]) => words.startsWith(`the other ${count - listed}`));
    assert.equal(others, count > listed);
  }
});

test("a point of the canvas is a value, between maps there is none", () => {
  const maps = arrangement([28, 28, 32], 1400);
  assert.deepEqual([maps.count, maps.columns, maps.zoom], [32, 16, 2]);
  assert.equal(arrangement([28, 28, 32], 400).columns, 8);
  assert.deepEqual(tileAt(maps, 0, 0), { tile: 0, row: 0, column: 0 });
  assert.deepEqual(tileAt(maps, 58 + 55, 58 + 3), { tile: 17, row: 1, column: 27 });
  assert.equal(tileAt(maps, 57, 5), null);
  assert.equal(tileAt(maps, 58 * 16, 5), null);
  assert.equal(tileAt(maps, 5, 58 * 2), null);
  const units = arrangement([120], 1400);
  assert.deepEqual(tileAt(units, 14 * 3, 14 * 2), { tile: 103, row: 0, column: 0 });
  assert.equal(tileAt(units, 14 * 30, 14 * 2), null); // after the last unit
});
