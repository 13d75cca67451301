// Seconds an epoch of the page's engine in Node, on one thread: all of a training, with the order,
// the validation and the fit accuracy; for the networks of the sheet, from fewer images.
//
// Usage: node bench_engine.mjs [part ...]

import { readFileSync } from "node:fs";
import { loadEngine } from "../mnist_lab/web/engine/engine.js";
import { Network } from "../mnist_lab/web/engine/network.js";
import { Training } from "../mnist_lab/web/engine/training.js";
import { mnist } from "../tests/front/mnist.js";

const ALL = 60_000;
const loss = "categorical_crossentropy";
const NETWORKS = [
  ["linear", { hidden_units: 10, loss: "clipped" }, ALL],
  ["mlp", { hidden_units: 100, loss }, ALL],
  ["dropout", { hidden_units: 100, loss, dropout: 0.5 }, ALL],
  ["dropout", { hidden_units: 100, loss, dropout: 0.2 }, ALL],
  ["cnn", { filters: [4, 8], loss }, ALL],
  ["mlp", { hidden_units: 1500, loss }, ALL / 30],
  ["cnn", { filters: [32, 64], loss }, ALL / 30],
];

const wasm = new URL("../mnist_lab/web/engine/engine.wasm", import.meta.url);
const engine = await loadEngine(readFileSync(wasm));
const asked = process.argv.slice(2);
for (const [part, values, images] of NETWORKS) {
  if (asked.length && !asked.includes(part)) continue;
  const network = new Network(engine, part, { ...values, batch_size: 100 });
  const data = mnist(images, images / 6);
  const settings = { epochs: 3, batch_size: 100, seed: 0, learning_rate: 0.001, name: part };
  const training = new Training(network, data, settings);
  const ends = [];
  await training.train(({ seconds, history }) => {
    ends[history.loss.length] ??= seconds;
  });
  const epoch = (training.run.seconds - ends[1]) / (settings.epochs - 1);
  const words = `${part} ${JSON.stringify(values)}, ${network.parameters} parameters`;
  console.log(`${words}: ${((epoch * ALL) / images).toFixed(2)} s an epoch`);
}
