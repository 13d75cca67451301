// The sheet's networks, as mnist_lab/models.py builds them, and their optimisers.

import { crossEntropy, crossEntropyBack } from "./loss.js";
import { glorotUniform, PythonRandom, truncatedNormal } from "./random.js";
import { Stack, sizeOf } from "./stack.js";

// Images that are computed at once, so that the memory is small and others get their turn soon:
// few suffice for convolutions, which multiply large matrices even so.
const AT_ONCE = { linear: 100, mlp: 100, dropout: 100, cnn: 20 };
const ADAM = [0.9, 0.999, 1e-8]; // the moments' decay, and what keeps from dividing by zero

const zeros = (_, shape) => new Float32Array(sizeOf(shape));
const glorot = (random, shape) => glorotUniform(random.randint(1, 1e9), shape);
const normal = (random, shape) => truncatedNormal(random.randint(1, 1e9), shape, 0.01);
const positive = (_, shape) => new Float32Array(sizeOf(shape)).fill(0.1);

/** One of the sheet's networks with its optimiser. */
export class Network {
  constructor(engine, part, values, classes = 10) {
    Object.assign(this, { part, values, classes, atOnce: AT_ONCE[part] });
    const place = engine.workplace();
    this.stack = new Stack(place, this.atOnce);
    this.#build();
    this.variables = this.stack.variables.map((variable) => {
      const moments = part === "linear" ? [] : [0, 0].map(() => place.allocate(4 * variable.size));
      return { ...variable, moments };
    });
    this.iterations = 0;
  }

  #build() {
    const { stack, part } = this;
    const { hidden_units, filters, dropout } = this.values;
    if (part === "cnn") {
      stack.addImage();
      stack.addConvolution(filters[0], normal, positive, false);
      stack.addConvolution(filters[1], normal, positive, true);
    } else if (part === "linear") {
      stack.addPixels();
      stack.addDense(hidden_units, zeros, zeros);
    } else {
      stack.addPixels();
      for (let layer = 0; layer < 3; layer++) {
        stack.addDense(hidden_units, normal, positive);
        stack.addRelu();
        if (dropout) stack.addDropout(dropout);
      }
    }
    stack.addDense(this.classes, glorot, zeros);
    stack.close();
  }

  /** Draw the initial weights as `lab.train(..., seed=seed)` does, and reset the optimiser. */
  initialise(seed) {
    const random = new PythonRandom(seed);
    const drawn = this.stack.draws.map((draw) => draw(random));
    this.setWeights(drawn.filter(Boolean).map((data) => ({ data })));
    for (const { moments, size } of this.variables) {
      for (const moment of moments) this.stack.place.floats(moment, size).fill(0);
    }
    this.iterations = 0;
  }

  /** Number of weights and biases. */
  get parameters() {
    return this.variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  }

  /** Copies of the weights, in Keras' order. */
  get weights() {
    return this.variables.map((variable) => {
      const data = new Float32Array(sizeOf(variable.shape));
      this.stack.eachRow(variable, data, (own, inMemory) => own.set(inMemory));
      return { shape: variable.shape, data };
    });
  }

  /** Give the network these weights; the optimiser goes on. */
  setWeights(weights) {
    this.variables.forEach((variable, i) => {
      this.stack.eachRow(variable, weights[i].data, (own, inMemory) => inMemory.set(own));
    });
  }

  /** Let go of the memory: the network is of no more use. */
  free() {
    this.stack = null;
  }

  /** Take a step on a batch, piece by piece; return its loss and accuracy before the step. */
  *learn(data, rows, { key, step, rate }) {
    const images = rows.length;
    let [loss, right] = [0, 0];
    this.stack.clear();
    for (let first = 0; first < images; first += this.atOnce) {
      if (first > 0) yield;
      const some = rows.subarray(first, first + this.atOnce);
      this.stack.forward(data.images, some, { key, step, first, images });
      const found = this.#score(some, data.labels, 1 / images);
      this.stack.backward(some.length);
      loss += found.loss;
      right += found.right;
    }
    this.#step(rate);
    return { loss: loss / images, accuracy: right / images };
  }

  /** Measure at most `atOnce` images, dropout off: sums of losses and of right answers. */
  measure({ images, labels }, rows) {
    this.stack.forward(images, rows, null);
    const found = this.#score(rows, labels, 0);
    const probabilities = new Float32Array(rows.length * this.classes);
    for (let i = 0; i < rows.length; i++) {
      probabilities.set(this.stack.outputs(i), i * this.classes);
    }
    return { ...found, probabilities };
  }

  /** Turn outputs into probabilities, and write gradients; each image has a share of the loss. */
  #score(rows, labels, share) {
    const clipped = this.values.loss === "clipped";
    let [loss, right] = [0, 0];
    rows.forEach((row, i) => {
      const output = this.stack.outputs(i);
      const label = labels[row];
      const winner = output.reduce((best, value, j) => (value > output[best] ? j : best), 0);
      const found = crossEntropy(output, label, clipped);
      crossEntropyBack(output, label, found.moves ? share : 0, this.stack.outputs(i, "gradients"));
      loss += found.loss;
      right += winner === label ? 1 : 0;
    });
    return { loss, right };
  }

  #step(rate) {
    const { compute } = this.stack;
    const [beta1, beta2, epsilon] = ADAM;
    this.iterations += 1;
    const rest = (beta) => 1 - Math.fround(Math.fround(beta) ** this.iterations);
    const corrected = (rate * Math.sqrt(rest(beta2))) / rest(beta1);
    for (const { values, gradients, moments, size } of this.variables) {
      if (this.part === "linear") compute.sgd(values, gradients, size, rate);
      else compute.adam(values, gradients, ...moments, size, corrected, beta1, beta2, epsilon);
    }
  }
}
