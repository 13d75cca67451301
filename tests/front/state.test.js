// Messages, curves that grow, means over the last hundred batches, and where a line is drawn.

import assert from "node:assert/strict";
import test from "node:test";
import {
  Curve,
  grid,
  Series,
  SMOOTHED,
  Store,
  unpack,
} from "../../mnist_lab/laboratory/front/state.js";

function piece(first, loss, about = {}) {
  const history = { shape: [5, 0], data: new Float32Array(0) };
  const numbers = Float32Array.from(loss);
  const own = { id: 0, name: "mlp", epochs: 2, steps: 4, diverged: false, history };
  return { first, loss: { data: numbers }, accuracy: { data: numbers }, ...own, ...about };
}

test("arrays of a message are put back, wherever they lie in the buffer", () => {
  const bytes = new Uint8Array([9, ...new Uint8Array(Float32Array.of(1.5, -2).buffer)]);
  const packed = { a: [{ buffer: 0, dtype: "float32", shape: [2] }, null, "text"], b: { c: true } };
  const message = unpack(packed, [new DataView(bytes.buffer, 1)]);
  assert.deepEqual(message.a[0], { shape: [2], data: Float32Array.of(1.5, -2) });
  assert.deepEqual([message.a[1], message.a[2], message.b], [null, "text", { c: true }]);
});

test("a mean is that of the last hundred, or of all there are", () => {
  const series = new Series();
  const values = Float32Array.from({ length: 5000 }, (_, i) => (i * 37) % 101);
  for (let i = 0; i < 5000; i += 123) series.append(values.subarray(i, i + 123));
  assert.equal(series.length, 5000);
  for (const place of [0, 1, 50, 99, 100, 101, 1024, 4999]) {
    const last = values.subarray(Math.max(place + 1 - SMOOTHED, 0), place + 1);
    const mean = last.reduce((sum, value) => sum + value, 0) / last.length;
    assert.ok(Math.abs(series.mean(place) - mean) < 1e-9);
    assert.equal(series.values[place], values[place]);
  }
});

test("a curve takes each point once, and notices when some are missing", () => {
  const curve = new Curve();
  assert.ok(curve.take(piece(0, [4, 3])));
  assert.ok(curve.take(piece(2, [2, 1])));
  assert.ok(!curve.take(piece(6, [1])));
  assert.ok(!curve.take(piece(2, [1])));
  assert.equal(curve.end, 1);
  assert.deepEqual(curve.at("loss", 1), [1, 2.5]);
  assert.deepEqual(curve.at("loss", 1.25), [null, null]);
  assert.equal(curve.validated("val_loss", 1), null);
});

test("a diverged curve ends before its last loss", () => {
  const curve = new Curve();
  curve.take(piece(0, [4, 8, Number.NaN], { diverged: true }));
  assert.equal(curve.end, 0.5);
  assert.deepEqual(curve.at("loss", 0.5), [8, 6]);
});

test("of the sheet whole epochs are drawn, those that it printed", () => {
  const data = Float32Array.of(Number.NaN, 0.5, Number.NaN, 0.9, 1, 2, 3, 4, 5, 6);
  const curve = new Curve();
  curve.take(piece(0, [], { history: { shape: [5, 2], data } }));
  assert.deepEqual(curve.at("loss", 1), [null, null]);
  assert.deepEqual(curve.at("loss", 2), [null, 0.5]);
  assert.deepEqual(curve.at("loss", 1.5), [null, null]);
  assert.equal(curve.validated("val_accuracy", 1.9), 3);
  assert.equal(curve.end, 2);
});

test("a line has some hundred points, whole epochs among them, and no finer than batches", () => {
  const curves = [{ steps: 600, end: 20.002 }];
  const whole = grid(0, 34, curves);
  assert.ok(whole.length > 300 && whole.length < 700);
  for (let epoch = 1; epoch <= 34; epoch++) assert.ok(whole.includes(epoch));
  assert.ok(whole.includes(20.002));
  const zoomed = grid(3, 3.1, curves);
  assert.equal(zoomed.length, 61);
  assert.deepEqual(grid(0, 1, []), [1]);
});

test("the store notifies listeners to a value, and draws what is shown", () => {
  const store = new Store();
  const calls = [];
  store.on("status rows", () => calls.push("a"));
  store.on("curves", () => calls.push("b"));
  const rows = [
    { id: 0, name: "mine", hidden: false },
    { id: 1, name: "other", hidden: true },
  ];
  const overlays = { sheet: true, record: false };
  const curves = [0, 1, 2, "sheet"].map((id) => piece(0, [1], { id }));
  assert.ok(store.take({ rows, overlays, live: 2, curves, status: {} }));
  assert.deepEqual(calls, ["a", "b"]);
  assert.deepEqual(
    store.drawn().map((curve) => curve.id),
    ["sheet", 0, 2],
  );
  assert.equal(store.curves.get(0).name, "mine");
  assert.ok(!store.take({ curves: [piece(5, [1], { id: 0 })] }));
  assert.ok(!store.take({ curves: [piece(5, [1], { id: 7 })] }));
});

test("news of a run that a page has missed are no whole, and no error", () => {
  const store = new Store();
  assert.equal(store.take({ rows: [{ id: 0, name: "mlp" }] }), false);
  assert.ok(store.take({ rows: [{ id: 0, name: "mine" }], curves: [piece(0, [1, 2])] }));
  assert.equal(store.curves.get(0).name, "mine");
});
