// Seconds of one processor that an epoch takes with the page's engine, with jax-js and with
// TensorFlow.js, without validation: 60,000 images, from a few batches, the fastest of six times.
//
// Usage: node bench_engine_peers.mjs FOLDER [part ...], with a folder in which they were installed:
// npm install @jax-js/jax @tensorflow/tfjs @tensorflow/tfjs-backend-wasm

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { loadEngine } from "../mnist_lab/web/engine/engine.js";
import { Network } from "../mnist_lab/web/engine/network.js";
import { mnist } from "../tests/front/mnist.js";

const [folder, ...asked] = process.argv.slice(2);
const installed = createRequire(resolve(folder, "package.json"));
const { train } = mnist();
const BATCH = 100;
const ITERATIONS = 600; // in an epoch
const TIMES = 6;
const PARTS = {
  linear: { hidden_units: 10, loss: "clipped" },
  mlp: { hidden_units: 100, loss: "categorical_crossentropy" },
  cnn: { filters: [4, 8], loss: "categorical_crossentropy" },
};

/** Return a batch's pixels from 0 to 1, and its labels in one-hot rows. */
function batch(step) {
  const first = (step * BATCH) % 50_000;
  const pixels = new Float32Array(BATCH * 784);
  for (let i = 0; i < pixels.length; i++) pixels[i] = train.images[first * 784 + i] / 255;
  const labels = new Float32Array(BATCH * 10);
  for (let i = 0; i < BATCH; i++) labels[10 * i + train.labels[first + i]] = 1;
  return [pixels, labels];
}

async function engine(part) {
  const wasm = new URL("../mnist_lab/web/engine/engine.wasm", import.meta.url);
  const network = new Network(await loadEngine(readFileSync(wasm)), part, PARTS[part]);
  network.initialise(0);
  return (step) => {
    const rows = Int32Array.from({ length: BATCH }, (_, i) => ((step * BATCH) % 50_000) + i);
    const pieces = network.learn(train, rows, { key: 0, step, rate: 0.001 });
    let piece = pieces.next();
    while (!piece.done) piece = pieces.next();
    return piece.value.loss;
  };
}

async function jax(part) {
  const entry = installed.resolve("@jax-js/jax").replace(".cjs", ".js");
  const library = await import(pathToFileURL(entry));
  const { defaultDevice, init, jit, lax, nn, numpy: np, tree, valueAndGrad } = library;
  await init("wasm");
  defaultDevice("wasm");
  const random = (...shape) => {
    const size = shape.reduce((product, side) => product * side);
    return np
      .array(Float32Array.from({ length: size }, () => Math.random() / 5 - 0.1))
      .reshape(shape);
  };
  const dense = (x, kernel, bias) => np.dot(x, kernel).add(bias);
  const convolved = (x, kernel, bias) =>
    lax.reduceWindow(
      nn.relu(lax.conv(x, kernel, [1, 1], "SAME").add(bias)),
      np.max,
      [2, 2],
      [2, 2],
    );
  const networks = {
    linear: {
      shapes: [[784, 10], [10], [10, 10], [10]],
      of: (x, [a, b, c, d]) => dense(dense(x, a, b), c, d),
    },
    mlp: {
      shapes: [[784, 100], [100], [100, 100], [100], [100, 100], [100], [100, 10], [10]],
      of: (x, [a, b, c, d, e, f, g, h]) => {
        const hidden = nn.relu(dense(nn.relu(dense(x, a, b)), c, d));
        return dense(nn.relu(dense(hidden, e, f)), g, h);
      },
    },
    cnn: {
      shapes: [[4, 1, 5, 5], [4, 1, 1], [8, 4, 5, 5], [8, 1, 1], [392, 10], [10]],
      of: (x, [a, b, c, d, e, f]) => {
        const hidden = convolved(convolved(x.reshape([BATCH, 1, 28, 28]), a, b), c, d);
        return dense(hidden.reshape([BATCH, 392]), e, f);
      },
    },
  };
  const { shapes, of } = networks[part];
  const loss = (weights, x, y) =>
    nn
      .logSoftmax(of(x, weights))
      .mul(y)
      .sum()
      .mul(-1 / BATCH);
  const withGradients = valueAndGrad(loss);
  const sgd = jit((weights, x, y) => {
    const [value, gradients] = withGradients(tree.ref(weights), x, y);
    return [value, weights.map((weight, i) => weight.sub(gradients[i].mul(0.1)))];
  });
  const adam = jit((weights, means, squares, rate, x, y) => {
    const [value, gradients] = withGradients(tree.ref(weights), x, y);
    const mean = means.map((each, i) => each.mul(0.9).add(gradients[i].ref.mul(0.1)));
    const square = squares.map((each, i) =>
      each.mul(0.999).add(np.square(gradients[i]).mul(0.001)),
    );
    const step = (i) => mean[i].ref.mul(rate.ref).div(np.sqrt(square[i].ref).add(1e-8));
    const after = weights.map((weight, i) => weight.sub(step(i)));
    rate.dispose();
    return [value, after, mean, square];
  });
  let weights = shapes.map((shape) => random(...shape));
  let [means, squares] = [0, 0].map(() => shapes.map((shape) => np.zeros(shape)));
  return async (number) => {
    const [pixels, labels] = batch(number);
    const [x, y] = [np.array(pixels).reshape([BATCH, 784]), np.array(labels).reshape([BATCH, 10])];
    let value;
    if (part === "linear") [value, weights] = sgd(weights, x, y);
    else [value, weights, means, squares] = adam(weights, means, squares, np.array(0.001), x, y);
    return value.jsAsync();
  };
}

async function tensorflow(part) {
  const tf = installed("@tensorflow/tfjs");
  const wasm = installed("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(
    installed
      .resolve("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm")
      .replace(/[^/]*$/, ""),
  );
  wasm.setThreadsCount(1);
  await tf.setBackend("wasm");
  const { conv2d, dense, flatten, maxPooling2d, reshape } = tf.layers;
  const hidden = (options) => dense({ units: 100, activation: "relu", ...options });
  const convolution = (filters) => [
    conv2d({ filters, kernelSize: 5, padding: "same", activation: "relu" }),
    maxPooling2d({ poolSize: 2 }),
  ];
  const layers = {
    linear: () => [dense({ units: 10, inputShape: [784] })],
    mlp: () => [hidden({ inputShape: [784] }), hidden(), hidden()],
    cnn: () => [
      reshape({ targetShape: [28, 28, 1], inputShape: [784] }),
      ...convolution(4),
      ...convolution(8),
      flatten(),
    ],
  };
  const output = dense({ units: 10, activation: "softmax" });
  const model = tf.sequential({ layers: [...layers[part](), output] });
  const optimizer = part === "linear" ? tf.train.sgd(0.1) : tf.train.adam(0.001);
  model.compile({ optimizer, loss: "categoricalCrossentropy" });
  return async (step) => {
    const [pixels, labels] = batch(step);
    const [x, y] = [tf.tensor(pixels, [BATCH, 784]), tf.tensor(labels, [BATCH, 10])];
    const loss = await model.trainOnBatch(x, y);
    tf.dispose([x, y]);
    return loss;
  };
}

/** Return the seconds of an epoch: those of this process, whatever else the machine does. */
async function measured(iterate) {
  const times = [];
  let [step, pace] = [0, Infinity];
  while (times.length < TIMES) {
    const count = Math.min(100, Math.max(1, Math.round(300 / pace)));
    const began = process.cpuUsage();
    for (let i = 0; i < count; i++) await iterate(step++);
    const { user, system } = process.cpuUsage(began);
    pace = (user + system) / 1000 / count;
    times.push((pace * ITERATIONS) / 1000);
  }
  return Math.min(...times);
}

for (const part of asked.length ? asked : Object.keys(PARTS)) {
  for (const library of [engine, jax, tensorflow]) {
    try {
      const seconds = await measured(await library(part));
      console.log(`${part}, ${library.name}: ${seconds.toFixed(2)} s an epoch`);
    } catch (problem) {
      console.log(`${part}, ${library.name}: ${String(problem).split("\n")[0]}`);
    }
  }
}
process.exit();
