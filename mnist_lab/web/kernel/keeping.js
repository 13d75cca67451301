// The digits that a student draws and keeps on this device.

import { IMAGE_PIXELS } from "./digits.js";

const SHOWN = 100; // of the newest digits, the page shows pictures

/** The kept digits: a label, an image and a drawing for each. */
export class Kept {
  constructor(storage) {
    Object.assign(this, { storage, digits: [], problem: "" });
  }

  /** Read what is kept. */
  async open() {
    await this.try(async () => (await this.storage.read("digits")) ?? []);
  }

  /** Return the labels of all digits, the images of the newest, and what went wrong last. */
  values() {
    const { digits, problem } = this;
    const newest = digits.slice(-SHOWN);
    const images = new Uint8Array(newest.length * IMAGE_PIXELS);
    newest.forEach(({ image }, place) => {
      images.set(image, place * IMAGE_PIXELS);
    });
    return {
      labels: { shape: [digits.length], data: Uint8Array.from(digits, ({ label }) => label) },
      images: { shape: [newest.length, 28, 28], data: images },
      where: this.storage.lasting ? "on this device" : "until this page is closed",
      problem,
    };
  }

  /** Keep a digit. */
  add(image, label, drawing) {
    return this.change((digits) => [...digits, { image, label, drawing }]);
  }

  /** Remove a digit, if it is still there; `index` is its place in `values`. */
  remove(index) {
    const gone = this.digits[index];
    return this.change((digits) => {
      const last = digits.findLastIndex((digit) => isSame(digit, gone));
      return digits.filter((_, place) => place !== last);
    });
  }

  change(made) {
    return this.try(() => this.storage.change("digits", (digits) => made(digits ?? [])));
  }

  async try(read) {
    this.problem = "";
    try {
      this.digits = await read();
    } catch (problem) {
      this.problem = `The kept digits cannot be read or changed here (${problem.message}).`;
    }
  }
}

function isSame(one, other) {
  return one.label === other.label && one.drawing.every((ink, i) => ink === other.drawing[i]);
}
