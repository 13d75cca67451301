// One training from its start to its end, as mnist_lab/training/session.py has it.

import { epochOrder, fitSample } from "./random.js";

const CHUNK = 40; // milliseconds between two looks, so that the Worker hears what is asked

/** Wait until everything that has happened meanwhile was heard. */
function turn() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(port1.close());
    port2.postMessage(null);
  });
}

/** Whether it is time that others get their turn. */
function late(since) {
  return performance.now() - since > CHUNK;
}

/** One training of a network; its seed decides the weights, the order and the dropout masks. */
export class Training {
  constructor(network, data, { epochs, batch_size, seed, learning_rate, name }) {
    const images = data.train.labels.length;
    const steps = Math.ceil(images / batch_size);
    Object.assign(this, { network, data, images, batch_size, seed, learning_rate });
    this.batches = [new Float32Array(epochs * steps), new Float32Array(epochs * steps)];
    this.sample = fitSample(images);
    this.run = {
      name,
      part: network.part,
      epochs,
      steps,
      history: { loss: [], accuracy: [], val_loss: [], val_accuracy: [], fit_accuracy: [] },
      batch_loss: new Float32Array(0),
      batch_accuracy: new Float32Array(0),
      val_probabilities: null,
      weights: [],
      seconds: 0,
      diverged: false,
      interrupted: false,
      expected: {},
    };
  }

  /** Train all epochs; `look` is called between chunks, and stops the training if it says true. */
  async train(look) {
    const { run } = this;
    this.look = look;
    this.began = this.turned = this.looked = performance.now();
    this.network.initialise(this.seed);
    for (let epoch = 0; epoch < run.epochs; epoch++) {
      const stop = await this.#trainEpoch(epoch);
      if (run.diverged || run.interrupted) break;
      await this.#measure(epoch);
      if ((await this.#pause()) || stop) {
        run.interrupted = epoch + 1 < run.epochs;
        break;
      }
    }
    return run.diverged ? "diverged" : run.interrupted ? "stopped" : "finished";
  }

  /** Train the iterations of an epoch, and return whether to stop. */
  async #trainEpoch(epoch) {
    const { run, batch_size } = this;
    const order = epochOrder(this.seed, epoch, this.images);
    let stop = false;
    for (let i = 0; i < run.steps; i++) {
      const rows = order.subarray(i * batch_size, (i + 1) * batch_size);
      await this.#iterate(rows, epoch * run.steps + i);
      const last = run.diverged || i + 1 === run.steps;
      if (!last && !late(this.looked)) continue;
      stop = await this.#pause();
      run.interrupted = stop && !last;
      if (stop || run.diverged) break;
    }
    return stop;
  }

  async #iterate(rows, step) {
    const { network, seed: key, learning_rate: rate } = this;
    const pieces = network.learn(this.data.train, rows, { key, step, rate });
    let piece = pieces.next();
    for (; !piece.done; piece = pieces.next()) if (late(this.turned)) await this.#turn();
    this.#note(step, piece.value);
  }

  /** Append a batch's values; a diverged run ends with the first that is not finite. */
  #note(step, { loss, accuracy }) {
    const { run, batches } = this;
    [batches[0][step], batches[1][step]] = [loss, accuracy];
    [run.batch_loss, run.batch_accuracy] = batches.map((values) => values.subarray(0, step + 1));
    run.diverged = !Number.isFinite(loss);
  }

  /** Update the run, let the Worker hear messages, and return whether to stop. */
  async #pause() {
    this.run.seconds = (performance.now() - this.began) / 1000;
    const stop = Boolean(this.look(this.run));
    await this.#turn();
    this.looked = this.turned;
    return stop;
  }

  /** Measure loss and accuracies at the end of an epoch, and append them to the history. */
  async #measure(epoch) {
    const { run, sample } = this;
    const { train } = this.data;
    const valid = await this.#validation();
    const held = await this.#evaluated(valid, Int32Array.from(valid.labels.keys()));
    const fit = await this.#evaluated(train, sample);
    // All at once: others may look at the run during a measurement.
    run.history.loss.push(this.#mean(run.batch_loss, epoch));
    run.history.accuracy.push(this.#mean(run.batch_accuracy, epoch));
    run.history.val_loss.push(held.loss);
    run.history.val_accuracy.push(held.accuracy);
    run.history.fit_accuracy.push(fit.accuracy);
    run.val_probabilities = held.probabilities;
  }

  /** Return the validation images. They may still be on their way: that is not training time. */
  async #validation() {
    const before = performance.now();
    const valid = await this.data.valid;
    this.began += performance.now() - before;
    return valid;
  }

  /** Return the mean of an epoch's batches, weighted by their sizes: the last may be shorter. */
  #mean(values, epoch) {
    const { batch_size, images } = this;
    const { steps } = this.run;
    const own = values.subarray(epoch * steps, (epoch + 1) * steps);
    const rest = images - (steps - 1) * batch_size;
    const sum = own.reduce((total, value) => total + value * batch_size, 0);
    return (sum - own[steps - 1] * (batch_size - rest)) / images;
  }

  async #evaluated(images, rows) {
    const { network } = this;
    const data = new Float32Array(rows.length * network.classes);
    let [loss, right] = [0, 0];
    for (let start = 0; start < rows.length; start += network.atOnce) {
      const some = network.measure(images, rows.subarray(start, start + network.atOnce));
      loss += some.loss;
      right += some.right;
      data.set(some.probabilities, start * network.classes);
      if (late(this.turned)) await this.#turn();
    }
    const probabilities = { shape: [rows.length, network.classes], data };
    return { loss: loss / rows.length, accuracy: right / rows.length, probabilities };
  }

  async #turn() {
    await turn();
    this.turned = performance.now();
  }
}
