// Estimates of a training's time, from the last training of its kind on this device, or guessed.

import { Network } from "../engine/network.js";
import { Training } from "../engine/training.js";
import { duration } from "./wording.js";

const TRIAL = { hidden_units: 100, epochs: 2, batch_size: 100, seed: 0, learning_rate: 0.001 };
const IMAGES = 784 * 1500; // bytes of those that the trial trains on
const UNIT = "a product"; // the name of what the trial measured, among the networks
// What an image, a value of a convolution and the step of a weight cost, in products: fitted to the
// engine's times for nine networks, from 10 linear units to the sheet's, in batches of 10, 100 and
// 500. The guess was 1.7 times too short or too long at worst, and 1.2 times as a rule.
const EACH_IMAGE = 20_000;
const EACH_VALUE = 40;
const EACH_WEIGHT = 10;

/** The measured speeds, in seconds for each iteration. */
export class Speeds {
  constructor(storage) {
    Object.assign(this, { storage, speeds: {} });
  }

  /** Read what was measured earlier; what cannot be read is measured again. */
  async open() {
    this.speeds = (await this.storage.read("speeds").catch(() => ({}))) ?? {};
  }

  /** Keep the speed of a run. */
  remember(setup, run) {
    return this.keep({ [setup.network]: run.seconds / run.batch_loss.length });
  }

  /** Train a small network for a moment, unless that was done on this device: for guesses. */
  async try(engine, { images, labels }) {
    if (this.speeds[UNIT]) return;
    const some = { images: images.subarray(0, IMAGES), labels: labels.subarray(0, IMAGES / 784) };
    const network = new Network(engine, "mlp", TRIAL);
    const training = new Training(network, { train: some, valid: some, classes: 10 }, TRIAL);
    const { run } = training;
    let warm; // seconds until the first epoch has ended: only then is the engine fast
    await training.train(() => {
      if (run.history.loss.length) warm ??= run.seconds;
    });
    const seconds = (run.seconds - warm) / run.steps;
    await this.keep({ [UNIT]: seconds / products("mlp", TRIAL, network.parameters) });
    network.free();
  }

  async keep(measured) {
    Object.assign(this.speeds, measured);
    await this.storage.change("speeds", (speeds) => ({ ...speeds, ...measured })).catch(() => {});
  }

  /** Say how long a training will take, and whether that is a guess; nothing before the trial. */
  estimate({ network, part, values, parameters }, images) {
    const iterations = values.epochs * Math.ceil(images / values.batch_size);
    const { [network]: speed, [UNIT]: unit } = this.speeds;
    if (speed) return duration(iterations * speed);
    const guess = unit * iterations * products(part, values, parameters);
    return unit ? `about ${duration(guess)} (a guess)` : "";
  }
}

/** Return how many products of a number and a weight cost as much as an iteration. */
function products(part, { batch_size, filters }, parameters) {
  const [first, second] = part === "cnn" ? filters : [0, 0];
  const convolved = 784 * first * (25 + EACH_VALUE) + 196 * second * (25 * first + EACH_VALUE);
  return batch_size * (convolved + parameters + EACH_IMAGE) + EACH_WEIGHT * parameters;
}
