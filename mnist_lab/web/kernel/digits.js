// The validation digits, a network's worst mistakes first, and the selected digit.

import { grouped } from "./wording.js";

export const IMAGE_PIXELS = 784; // of an image
const CLASSES = 10;
const IN_ROW = 8; // digits in the row
const BEHIND = 24; // digits shown for a field of the confusion matrix

/** Scale an image's bytes like the training images. */
export function scaled(pixels) {
  return Float32Array.from(pixels, (value) => value / 255);
}

/** The validation digits, and which of them is selected. */
export class Digits {
  constructor() {
    Object.assign(this, { index: 0, chosen: false, said: null });
    this.fill({ images: new Uint8Array(0), labels: new Uint8Array(0) });
  }

  /** Take the images, which come after the page has opened. */
  fill({ images, labels }) {
    Object.assign(this, { pixels: images, labels });
    this.order = Array.from(labels, (_, index) => index);
  }

  /** The bytes of a digit. */
  image(index) {
    return this.pixels.subarray(index * IMAGE_PIXELS, (index + 1) * IMAGE_PIXELS);
  }

  /** Sort the digits by a run's last validation: surest mistakes first, surest hits last. */
  see(run) {
    this.said = run.val_probabilities;
    const rank = Array.from(this.labels, (label, index) => {
      const [best, sure] = surest(this.said, index);
      return best === label ? 2 + sure : -sure;
    });
    this.order = rank.map((_, index) => index).sort((a, b) => rank[a] - rank[b] || a - b);
    this.wrong = rank.filter((place) => place <= 0).length;
    if (!this.chosen) this.index = this.order[0];
    return this.sight();
  }

  /** Select a digit. It stays selected, whatever is trained next. */
  lookAt(index) {
    Object.assign(this, { index, chosen: true });
    return this.sight();
  }

  /** Select the next digit, or the one before. */
  goOn(by) {
    const count = this.order.length;
    return this.lookAt(this.order[(((this.place + by) % count) + count) % count]);
  }

  get place() {
    return this.order.indexOf(this.index);
  }

  /** Return the selected digit, its neighbours, and the last answers for them. */
  sight() {
    const { place, index, wrong, said } = this;
    const first = place - (place % IN_ROW);
    const row = this.some(this.order.slice(first, first + IN_ROW), said);
    if (!said) return { sight: { ...row, index, words: "from the validation images" } };
    const right = this.labels.length - wrong;
    const words =
      place < wrong
        ? `mistake ${grouped(place + 1)} of ${grouped(wrong)}`
        : `one that is right, ${grouped(place + 1 - wrong)} of ${grouped(right)}`;
    const probabilities = { shape: [CLASSES], data: rowOf(said, index) };
    return { sight: { ...row, index, words }, said: { index, probabilities } };
  }

  /** Return the digits that a field of a run's confusion matrix counts, the surest first. */
  behind({ val_probabilities }, label, said) {
    const sure = (index) => val_probabilities.data[index * CLASSES + said];
    const isFound = (index) =>
      this.labels[index] === label && surest(val_probabilities, index)[0] === said;
    const found = Array.from(this.labels, (_, index) => index).filter(isFound);
    found.sort((a, b) => sure(b) - sure(a) || a - b);
    const some = this.some(found.slice(0, BEHIND), val_probabilities);
    return { behind: { label, said, count: found.length, ...some } };
  }

  /** Count how often digits of each class were taken for each class, after the last epoch. */
  confusion({ name, history, val_probabilities }) {
    const counts = new Int32Array(CLASSES ** 2);
    this.labels.forEach((label, index) => {
      counts[label * CLASSES + surest(val_probabilities, index)[0]] += 1;
    });
    const matrix = { shape: [CLASSES, CLASSES], data: counts };
    return { confusion: { name, epoch: history.loss.length, counts: matrix } };
  }

  /** Return digits with their labels, and with a network's answers if there are any. */
  some(indices, probabilities) {
    const pixels = new Uint8Array(indices.length * IMAGE_PIXELS);
    indices.forEach((index, place) => {
      pixels.set(this.image(index), place * IMAGE_PIXELS);
    });
    const answers = probabilities && indices.map((index) => surest(probabilities, index));
    return {
      indices,
      labels: indices.map((index) => this.labels[index]),
      ...(answers
        ? { saids: answers.map(([best]) => best), sure: answers.map(([, sure]) => sure) }
        : {}),
      pixels: { shape: [indices.length, IMAGE_PIXELS], data: pixels },
    };
  }
}

function rowOf({ data }, index) {
  return data.subarray(index * CLASSES, (index + 1) * CLASSES);
}

/** Return the class that an image is taken for, and its probability. */
function surest(probabilities, index) {
  const row = rowOf(probabilities, index);
  let best = 0;
  for (let each = 1; each < CLASSES; each++) if (row[each] > row[best]) best = each;
  return [best, row[best]];
}

/**
 * Round probabilities to float16, in which Python keeps them, and raise the largest of each row
 * by a step where rounding made a tie: so both have the digits in the same order.
 */
export function inHalves({ shape, data }) {
  const short = data.map(toHalf);
  for (let image = 0; image < shape[0]; image++) {
    const [best] = surest({ data }, image);
    const row = short.subarray(image * CLASSES, (image + 1) * CLASSES);
    if (row.some((value, each) => each !== best && value === row[best]))
      row[best] += stepOfHalf(row[best]);
  }
  return { shape, data: short };
}

/** The distance from a number below 2 to the next float16. */
function stepOfHalf(value) {
  return 2 ** (Math.max(Math.floor(Math.log2(value)), -14) - 10);
}

function toHalf(value) {
  const step = stepOfHalf(value);
  const count = value / step;
  const down = Math.floor(count);
  const rest = count - down;
  const up = rest > 0.5 || (rest === 0.5 && down % 2 === 1);
  return (down + (up ? 1 : 0)) * step;
}
