// A file of the page's data is taken apart; a recorded run is played at each pace, and stopped.

import assert from "node:assert/strict";
import test from "node:test";
import {
  loadRecord,
  Playing,
  recordedNetworks,
  unpackFile,
} from "../../mnist_lab/web/kernel/records.js";

const STEPS = 40;
const EPOCHS = 5;
const LENGTH = EPOCHS * STEPS;

/** Write a file as mnist_lab/web/records.py does. */
function file(about, arrays) {
  let offset = 0;
  const listed = arrays.map(([name, dtype, data, shape = [data.length]]) => {
    const entry = { name, dtype, shape, offset };
    offset += data.byteLength;
    return entry;
  });
  const head = new TextEncoder().encode(JSON.stringify({ about, arrays: listed }));
  const length = new Uint8Array(Uint32Array.of(head.length).buffer);
  const bytes = arrays.flatMap(([, , data]) => [...new Uint8Array(data.buffer)]);
  return Uint8Array.from([...length, ...head, ...bytes]);
}

/** A run of which each number says where it belongs. */
function record() {
  const each = (factor) => Array.from({ length: EPOCHS }, (_, i) => factor * (i + 1));
  return {
    name: "mlp",
    epochs: EPOCHS,
    steps: STEPS,
    seconds: 60,
    history: {
      loss: each(1),
      accuracy: each(2),
      val_loss: each(3),
      val_accuracy: each(4),
      fit_accuracy: each(5),
    },
    batch_loss: Float32Array.from({ length: LENGTH }, (_, i) => i),
    batch_accuracy: Float32Array.from({ length: LENGTH }, (_, i) => 2 * i),
    val_probabilities: { shape: [1, 2], data: Float32Array.of(0.25, 0.75) },
    band: { val_loss: { shape: [2, EPOCHS], data: new Float32Array(2 * EPOCHS) } },
    interrupted: false,
  };
}

test("a file is taken apart, whatever its head's length, and halves are read exactly", () => {
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x03ff, 0x7bff, 0xfc00, 0x8000);
  for (const title of ["", "a", "ab", "abc"]) {
    const bytes = file({ title }, [
      ["halves", "float16", halves],
      ["singles", "float32", Float32Array.of(0.1, -3)],
      ["doubles", "float64", Float64Array.of(0.1)],
    ]);
    const { about, arrays } = unpackFile(bytes);
    assert.equal(about.title, title);
    const expected = [1, -2, 0.333251953125, 2 ** -24, 1023 * 2 ** -24, 65504, -Infinity, -0];
    assert.deepEqual(arrays.halves, { shape: [8], data: Float32Array.from(expected) });
    assert.deepEqual(arrays.singles.data, Float32Array.of(0.1, -3));
    assert.deepEqual(arrays.doubles.data, Float64Array.of(0.1));
  }
});

test("networks on file come with their names, each with its own weights", async () => {
  const weights = (count) =>
    [count * 784, count, count * 10, 10].map((size) => new Uint16Array(size));
  const about = [
    { name: "one", part: "linear", dropout: 0, weights: 4 },
    { name: "other", part: "dropout", dropout: 0.4, weights: 4 },
  ];
  const arrays = [...weights(3), ...weights(7)].map((data, i) => [String(i), "float16", data]);
  const bytes = file({ networks: about }, arrays);
  const networks = await recordedNetworks({ bytes: async () => bytes });
  assert.deepEqual(
    networks.map(({ name, layers }) => [name, layers.map(({ kind }) => kind).join()]),
    [
      ["one", "Dense,Dense"],
      ["other", "Dense,Dropout,Dense"],
    ],
  );
  assert.deepEqual(
    networks.map(({ layers }) => layers[0].bias.length),
    [3, 7],
  );
});

test("a record is loaded with its part's band", async () => {
  const files = {
    "record-mlp-3": file({ name: "mlp", seed: 3, epochs: 1, steps: 2, seconds: 9 }, [
      ["history", "float64", Float64Array.of(1, 2, 3, 4, 5), [5, 1]],
      ["batch_loss", "float32", Float32Array.of(6, 7)],
      ["batch_accuracy", "float32", Float32Array.of(8, 9)],
      ["val_probabilities", "float16", new Uint16Array(10), [1, 10]],
    ]),
    bands: file({}, [
      ["mlp val_loss", "float32", Float32Array.of(1, 2), [2, 1]],
      ["mlp val_accuracy", "float32", Float32Array.of(3, 4), [2, 1]],
    ]),
  };
  const run = await loadRecord({ bytes: async (name) => files[name] }, "mlp", 3);
  assert.deepEqual(run.history, {
    loss: [1],
    accuracy: [2],
    val_loss: [3],
    val_accuracy: [4],
    fit_accuracy: [5],
  });
  assert.deepEqual([...run.batch_loss], [6, 7]);
  assert.deepEqual(run.band.val_accuracy, { shape: [2, 1], data: Float32Array.of(3, 4) });
  assert.deepEqual([run.part, run.seed, run.seconds, run.weights], ["mlp", 3, 9, []]);
});

/** Say how far a run has been played: iterations, and finished epochs. */
function reached({ run }) {
  return [run.batch_loss.length, run.history.val_loss.length];
}

test("a whole run takes fifteen seconds, or a minute, and the pace may change meanwhile", () => {
  const playing = new Playing(record(), "fast", "played");
  assert.deepEqual(reached(playing), [0, 0]);
  playing.advance(1.5);
  assert.deepEqual(reached(playing), [STEPS / 2, 0]);
  assert.equal(playing.run.seconds, 6, "of the seconds that the training took");
  playing.pace = "slow";
  playing.advance(3);
  assert.deepEqual(reached(playing), [(3 / 4) * STEPS, 0]);
  playing.advance(9);
  assert.deepEqual(reached(playing), [STEPS, 1], "no epoch's end is passed unseen");
  playing.advance(0);
  assert.deepEqual(reached(playing), [1.5 * STEPS, 1], "but nothing is lost of the time");
  assert.deepEqual(playing.run.history.val_accuracy, [4]);
  assert.equal(playing.run.val_probabilities, null);
  for (let epoch = 1; epoch < EPOCHS; epoch++) playing.advance(1000);
  assert.deepEqual(playing.run, { ...record(), name: "played" });
});

test("step by step, each press plays an epoch", () => {
  const playing = new Playing(record(), "fast", "played");
  playing.advance(1.5);
  playing.pace = "step";
  playing.advance(1000);
  assert.deepEqual(reached(playing), [STEPS / 2, 0]);
  playing.step();
  playing.step();
  playing.advance(0);
  assert.deepEqual(reached(playing), [STEPS, 1]);
  playing.advance(0);
  playing.advance(0);
  assert.deepEqual(reached(playing), [2 * STEPS, 2]);
});

test("a played run finishes, or is stopped like a training", async () => {
  const seen = [];
  const whole = new Playing(record(), "step", "played");
  whole.step();
  const look = ({ batch_loss }) => {
    seen.push(batch_loss.length);
    whole.step();
    return batch_loss.length === LENGTH; // stopping has come too late
  };
  assert.equal(await whole.train(look), "finished");
  assert.equal(whole.run.interrupted, false);
  assert.deepEqual(seen, [40, 80, 120, 160, 200]);
  const stopped = new Playing(record(), "step", "played");
  stopped.step();
  assert.equal(await stopped.train(() => true), "stopped");
  assert.equal(stopped.run.interrupted, true);
  assert.deepEqual(reached(stopped), [STEPS, 1]);
});
