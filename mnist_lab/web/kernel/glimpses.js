// Looks at a network between chunks of its training, rarely enough not to slow it down.

import { IMAGE_PIXELS, scaled } from "./digits.js";
import { layersOf, probabilities } from "./layers.js";

const UNITS_SHOWN = 16; // hidden units of an MLP that are shown
const GLIMPSE_GAP = 0.1; // at least, between two glimpses
const GLIMPSE_SHARE = 0.004; // share of the training's time that glimpses may take
const MEASURED = 50; // validation images on which the activity of hidden units is measured

/** The time in seconds. */
export function now() {
  return performance.now() / 1000;
}

/** Looks at one network in training. */
export class Glimpses {
  constructor(network, part, digits) {
    Object.assign(this, { network, part, digits, next: 0, epoch: -1 });
    this.units = Array.from({ length: UNITS_SHOWN }, (_, unit) => unit);
  }

  /** Return weights and answers to show; nothing if the last glimpse was too recent. */
  look(run, drawn) {
    const began = now();
    const epoch = run.history.loss.length;
    if (began < this.next && epoch === this.epoch) return {};
    const news = this.seen(run, drawn, epoch);
    const ended = now();
    this.next = ended + Math.max(GLIMPSE_GAP, (ended - began) / GLIMPSE_SHARE);
    // The matrix comes once an epoch and does not delay the next glimpse.
    if (epoch && epoch !== this.epoch) Object.assign(news, this.digits.confusion(run));
    this.epoch = epoch;
    return news;
  }

  seen(run, drawn, epoch) {
    const { weights } = this.network;
    const { index, labels } = this.digits;
    const layers = layersOf(this.part, weights);
    const answer = (pixels) => ({ shape: [10], data: probabilities(layers, scaled(pixels)) });
    return {
      // The digits may still be on their way.
      ...(labels.length && { said: { index, probabilities: answer(this.digits.image(index)) } }),
      ...(drawn ? { training: { name: run.name, probabilities: answer(drawn) } } : {}),
      weights: this.images(weights, epoch),
    };
  }

  /** Return the first layer's weights, a row for each digit, hidden unit or filter. */
  images([first, bias, second], epoch) {
    if (first.shape.length === 4) return imagesOf("filter", columns(first));
    if (this.part === "linear") return imagesOf("digit", combined(first, second));
    if (epoch !== this.epoch) this.units = this.mostActive(first, bias); // else they would jump
    return imagesOf("hidden unit", columns(first, this.units), this.units);
  }

  mostActive({ shape, data }, bias) {
    const units = shape[1];
    const activity = new Float64Array(units);
    const sums = new Float32Array(units);
    for (let image = 0; image < MEASURED; image++) {
      sums.set(bias.data);
      this.digits.image(image).forEach((value, pixel) => {
        if (!value) return;
        const row = data.subarray(pixel * units, (pixel + 1) * units);
        for (let unit = 0; unit < units; unit++) sums[unit] += (value / 255) * row[unit];
      });
      sums.forEach((sum, unit) => {
        activity[unit] += Math.max(sum, 0);
      });
    }
    const order = Array.from(activity, (_, unit) => unit);
    return order.sort((a, b) => activity[b] - activity[a]).slice(0, UNITS_SHOWN);
  }
}

function imagesOf(of, images, numbers = images.map((_, number) => number)) {
  const size = images[0].length;
  const data = new Float32Array(images.length * size);
  images.forEach((image, place) => {
    data.set(image, place * size);
  });
  return { of, numbers, images: { shape: [images.length, size], data } };
}

/** Return some columns of a layer's weights, one for each unit or filter. */
function columns({ shape, data }, chosen) {
  const units = shape.at(-1);
  const size = data.length / units;
  const all = chosen ?? Array.from({ length: units }, (_, unit) => unit);
  return all.map((unit) => Float32Array.from({ length: size }, (_, i) => data[i * units + unit]));
}

/** Multiply the two layers of a linear network: what each pixel adds to each digit's score. */
function combined(first, second) {
  const [units, classes] = second.shape;
  return Array.from({ length: classes }, (_, digit) =>
    Float32Array.from({ length: IMAGE_PIXELS }, (_, pixel) => {
      let sum = 0;
      for (let unit = 0; unit < units; unit++)
        sum += first.data[pixel * units + unit] * second.data[unit * classes + digit];
      return sum;
    }),
  );
}
