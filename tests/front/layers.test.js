// What the page's own kernel shows of a network is what Python shows: both are held to
// through.json, which tests/web/test_seen_through.py writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Digits, scaled } from "../../mnist_lab/web/kernel/digits.js";
import { layersOf, lookThrough, probabilities, sumAt } from "../../mnist_lab/web/kernel/layers.js";
import { Through } from "../../mnist_lab/web/kernel/through.js";
import { until } from "./until.js";

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
};
const shared = decoded(JSON.parse(readFileSync(new URL("through.json", import.meta.url))));
const digits = new Digits();
digits.fill({ images: shared.pixels.data, labels: shared.labels });
digits.index = shared.index;
const image = scaled(digits.image(shared.index));

/** Put the arrays back. */
function decoded(value) {
  if (Array.isArray(value)) return value.map(decoded);
  if (value === null || typeof value !== "object") return value;
  if (value.base64 === undefined) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decoded(inner)]));
  }
  const bytes = Uint8Array.from(Buffer.from(value.base64, "base64"));
  return { shape: value.shape, data: new ARRAYS[value.dtype](bytes.buffer) };
}

/** Compare values with those on file; all but the layers' names, which Keras counts. */
function assertAlike(value, filed, path = "") {
  if (typeof filed === "number") {
    const within = value instanceof Int8Array ? 1 : 1e-5 + 1e-4 * Math.abs(filed);
    assert.ok(Math.abs(value - filed) <= within, `${path}: ${value} is not ${filed}`);
  } else if (ArrayBuffer.isView(filed)) {
    assert.equal(value.constructor, filed.constructor, path);
    assert.equal(value.length, filed.length, path);
    const within = filed instanceof Int8Array ? 1 : 1e-5;
    filed.forEach((each, i) => {
      const far = Math.abs(value[i] - each);
      assert.ok(far <= within + 1e-4 * Math.abs(each), `${path}/${i}: ${value[i]} is not ${each}`);
    });
  } else if (filed === null || typeof filed !== "object") assert.equal(value, filed, path);
  else {
    const keys = (of) => Object.keys(of).filter((key) => key !== "name");
    assert.deepEqual(keys(value).sort(), keys(filed).sort(), path);
    for (const key of keys(filed)) assertAlike(value[key], filed[key], `${path}/${key}`);
  }
}

/** Make the sines of which the weights are. */
function sines({ shape, scale, offset }, number) {
  const length = shape.reduce((product, each) => product * each);
  const data = Float32Array.from(
    { length },
    (_, i) => offset + scale * Math.sin((number + 1.3) * i),
  );
  return { shape, data };
}

function network({ part, dropout, weights }) {
  return layersOf(part, weights.map(sines), { dropout });
}

/** Open what sees through some networks; return it, and the list of what it sends. */
function opened(networks) {
  const sent = [];
  const through = new Through(
    ({ through }) => sent.push(through),
    digits,
    () => networks,
  );
  return { through, sent };
}

for (const each of shared.cases) {
  test(`what is shown of the ${each.part} network is what Python shows`, async () => {
    const { through, sent } = opened([{ name: each.part, layers: network(each) }]);
    through.want({ drawn: false });
    // Which units are dead is known a little later than the rest.
    await until(() => sent.length === 2);
    assertAlike(sent[1], each.through);
    for (const sum of each.sums) {
      through.want({ drawn: false, at: sum.at });
      assertAlike(sent.at(-1).sum, sum);
    }
  });
}

test("while dropout drops units, values and sums are those that Python has of the same", () => {
  const { masks, probabilities: filed, sums } = shared.dropped;
  const layers = network(shared.cases.find(({ part }) => part === "dropout"));
  const seen = lookThrough(layers, image, (_layer, _count, i) => masks[i].data);
  assertAlike(seen.probabilities, filed.data);
  for (const sum of sums) assertAlike({ at: sum.at, ...sumAt(layers, seen, ...sum.at) }, sum);
});

test("a share of the units as large as the rate is dropped, others each time", async () => {
  const { through, sent } = opened([{ name: "it", layers: wide() }]);
  through.want({ drawn: false, masks: true });
  await until(() => sent.length === 2);
  const dropped = sent.map(({ layers }) => layers[1]);
  assert.notDeepEqual(dropped[0].values.data, dropped[1].values.data);
  for (const { dropped: words, values, why } of dropped) {
    assert.equal(why, "");
    // Of 2,000 units, six standard deviations.
    const share = values.data.filter((value) => value === 0).length / 2000;
    assert.ok(Math.abs(share - 0.25) < 0.06, share);
    assert.equal(words, `${Math.round(100 * share)}% dropped`);
  }
});

/** A network of 2,000 units, all of which say something. */
function wide() {
  const full = (value, ...shape) => ({
    shape,
    data: new Float32Array(shape.reduce((product, each) => product * each)).fill(value),
  });
  const weights = [full(0.1, 784, 2000), full(0.1, 2000), full(0.1, 2000, 10), full(0.1, 10)];
  return layersOf("dropout", weights, { dropout: 0.25 });
}

test("a unit that is never above zero is dead", async () => {
  const layers = wide();
  layers[0].bias = layers[0].bias.map((value, unit) => (unit === 7 ? -1000 : value));
  const { through, sent } = opened([{ name: "it", layers }]);
  through.want({ drawn: false });
  await until(() => sent.length === 2);
  const dead = ({ marks }) => [...marks.data.keys()].filter((i) => marks.data[i]);
  const shown = sent[1].layers.filter(({ why }) => !why);
  assert.deepEqual(shown.map(dead), [[7], []]);
});

test("a network whose values are no longer numbers says so", () => {
  const layers = wide();
  layers[0].bias = layers[0].bias.map(() => Number.NaN);
  const { through, sent } = opened([{ name: "it", layers }]);
  through.want({ drawn: false });
  assert.match(sent[0].layers[0].why, /no longer numbers/);
});

test("nothing is sent before anybody looks and after, and the drawn digit comes first", async () => {
  const networks = [];
  const { through, sent } = opened(networks);
  through.show();
  assert.equal(sent.length, 0);
  through.want({});
  assert.deepEqual(sent, [{ problem: "There is no network yet: train one." }]);
  networks.push(...shared.cases.map((each) => ({ name: each.part, layers: network(each) })));
  through.drawn = digits.image(0).slice();
  through.show();
  const { networks: names, network: shown, drawn, label, digit } = sent[1];
  assert.deepEqual(names, ["the newest network", "linear", "mlp", "dropout", "cnn", "modern"]);
  assert.deepEqual([shown, drawn, label], ["modern", true, null]);
  assert.deepEqual(digit.data, through.drawn);
  await until(() => sent.length === 3);
  through.want({ network: "cnn", at: [99, [0]] });
  assert.deepEqual([sent[3].network, sent[3].sum], ["cnn", null]);
  through.want(null);
  through.show();
  await new Promise((resolve) => setTimeout(resolve, 100)); // nor when the dead units are known
  assert.equal(sent.length, 4);
});

test("before the images are there, a drawn digit is seen through", async () => {
  const sent = [];
  const [each] = shared.cases;
  const networks = [{ name: each.part, layers: network(each) }];
  const through = new Through(
    ({ through }) => sent.push(through),
    new Digits(),
    () => networks,
  );
  through.want({});
  assert.match(sent[0].problem, /no digit yet/);
  through.drawn = digits.image(0).slice();
  through.show();
  await until(() => sent.length === 3);
  assert.deepEqual([sent[2].problem, sent[2].drawn, sent[2].count], ["", true, 0]);
});

test("the network in training is seen, as it is at that moment, and seldom", async (t) => {
  let now = 0; // milliseconds; a look takes no time
  t.mock.method(performance, "now", () => now);
  const cnn = shared.cases.find(({ part }) => part === "cnn");
  const own = { part: "cnn", values: {}, weights: cnn.weights.map(sines) };
  const { through, sent } = opened([{ name: "another", layers: network(shared.cases[0]) }]);
  assert.deepEqual(through.live(own, { name: "mine" }), {});
  through.training = true;
  through.want({ drawn: false });
  assert.equal(sent.length, 0);
  assert.equal(through.live(own, { name: "mine" }).through.pixels, null);
  await until(() => through.marks);
  now = 199;
  assert.deepEqual(through.live(own, { name: "mine" }), {}, "the last look is too recent");
  now = 200;
  const { through: seen } = through.live(own, { name: "mine" });
  assert.deepEqual([seen.network, seen.networks.length], ["mine (training)", 2]);
  assertAlike(seen.layers, cnn.through.layers);
  now = 400;
  own.weights = own.weights.map(({ shape, data }) => ({ shape, data: data.fill(0) }));
  const later = through.live(own, { name: "mine" }).through;
  assertAlike(later.probabilities.data, new Float32Array(10).fill(0.1));
  through.want({ drawn: false });
  assert.deepEqual(through.live(null, { name: "a recorded run" }), {});
  through.ended();
  assert.equal(sent[0].network, "another");
});

test("an image's probabilities are those that a look has", () => {
  for (const each of shared.cases) {
    assertAlike(probabilities(network(each), image), each.through.probabilities.data);
  }
});
