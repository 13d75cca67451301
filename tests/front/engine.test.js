// A training in the page is the training in Python: both are held to losses.json, which
// tests/web/test_golden.py writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { loadEngine } from "../../mnist_lab/web/engine/engine.js";
import { Network } from "../../mnist_lab/web/engine/network.js";
import { Training } from "../../mnist_lab/web/engine/training.js";
import { mnist } from "./mnist.js";

// Each loss, as a share of itself, from the same seed. Now and then a rounding error decides
// whether a unit is on, and from there the training goes a way of its own. So it does in Python
// with other versions of its kernels (without XLA and oneDNN): by as much, and as often.
const ROUNDING = 1e-5;
const OWN_WAY = 0.02;
// The sheet's linear network learns in such leaps that each rounding error grows.
const BEFORE_LEAPS = 15;

const read = (path) => readFileSync(new URL(path, import.meta.url));
const engine = await loadEngine(read("../../mnist_lab/web/engine/engine.wasm"));

function training({ part, values, images, epochs, seed }) {
  const network = new Network(engine, part, values);
  const settings = { batch_size: 100, ...values, epochs, seed, name: part };
  return new Training(network, mnist(images, 500), settings);
}

/** Return the largest difference between losses, as a share of each. */
function furthest(losses, expected) {
  assert.equal(losses.length, expected.length);
  return Math.max(...expected.map((loss, i) => Math.abs(losses[i] - loss) / Math.max(loss, 0.01)));
}

const differences = [];
for (const golden of JSON.parse(read("losses.json"))) {
  const { part, values, images, seed, losses, history } = golden;
  test(`${part} ${JSON.stringify(values)}, seed ${seed}, trains as in Python`, async (told) => {
    const own = training(golden);
    assert.equal(await own.train(() => false), "finished");
    const { run } = own;
    assert.equal(run.batch_loss.length, losses.length);
    const held = values.learning_rate === 0.5 && images > 1000 ? BEFORE_LEAPS : losses.length;
    const away = furthest(run.batch_loss.subarray(0, held), losses.slice(0, held));
    told.diagnostic(`the largest relative difference of ${held} losses: ${away.toExponential(1)}`);
    differences.push(away);
    assert.ok(away < OWN_WAY, `${away}`);
    assert.ok(furthest(run.batch_loss.subarray(0, 1), losses.slice(0, 1)) < 1e-6);
    const near = held < losses.length ? 0.03 : 0.01;
    for (const key of ["accuracy", "val_accuracy", "fit_accuracy"]) {
      run.history[key].forEach((value, epoch) => {
        assert.ok(Math.abs(value - history[key][epoch]) < near, `${key} ${value}`);
      });
    }
  });
}

test("most trainings agree within rounding to their end", () => {
  const near = differences.filter((away) => away < ROUNDING).length;
  assert.ok(near > differences.length / 2, `${near} of ${differences.length}`);
});

const LINEAR = { learning_rate: 0.5, hidden_units: 10, loss: "clipped" };
const short = { part: "linear", values: LINEAR, images: 330, epochs: 3, seed: 7 };

test("a training stops when it is told to, in an epoch or at its end", async () => {
  const own = training({ ...short, values: { ...LINEAR, batch_size: 10 }, images: 60_000 });
  assert.equal(await own.train(() => true), "stopped");
  assert.ok(own.run.interrupted && own.run.batch_loss.length < 6000);
  assert.equal(own.run.history.loss.length, 0);

  const later = training(short);
  assert.equal(await later.train((run) => run.history.loss.length === 2), "stopped");
  assert.equal(later.run.batch_loss.length, 8);

  const last = training(short);
  assert.equal(await last.train((run) => run.history.loss.length === 3), "finished");
  assert.equal(last.run.interrupted, false);
});

test("a training diverges at the first loss that is not finite", async () => {
  const values = { ...LINEAR, learning_rate: 10, loss: "categorical_crossentropy" };
  const own = training({ ...short, values, epochs: 50 });
  assert.equal(await own.train(() => false), "diverged");
  const last = own.run.batch_loss.length - 1;
  assert.equal(
    own.run.batch_loss.findIndex((loss) => !Number.isFinite(loss)),
    last,
  );
});

test("messages are heard while it trains", async () => {
  let heard = 0;
  const own = training({ ...short, images: 20_000 });
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    heard += 1;
    port2.postMessage(null);
  };
  port2.postMessage(null);
  const asked = [];
  await own.train(() => asked.push(heard) < 0);
  port1.close();
  assert.ok(asked.at(-1) > asked[0], `${asked}`);
});

test("the same seed gives the same bits; weights can be taken and given", async () => {
  const cnn = { part: "cnn", values: { ...LINEAR, filters: [2, 4], learning_rate: 0.001 } };
  for (const about of [short, { ...short, ...cnn }]) {
    const [one, other] = [training(about), training(about)];
    await one.train(() => false);
    await other.train(() => false);
    assert.deepEqual(one.run.batch_loss, other.run.batch_loss);
    const { weights } = one.network;
    const count = weights.reduce((sum, { data }) => sum + data.length, 0);
    assert.equal(one.network.parameters, count);

    const third = training({ ...about, seed: 8 });
    third.network.setWeights(weights);
    const rows = Int32Array.from({ length: 20 }, (_, i) => i);
    const { valid } = one.data;
    assert.deepEqual(third.network.measure(valid, rows), one.network.measure(valid, rows));
    assert.deepEqual(third.network.weights, weights);
  }
});
