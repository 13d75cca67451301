// MNIST's images: the first 10,000 at once, all 60,000 if they are wanted.

import { IMAGE_PIXELS } from "./digits.js";
import { CHOICES } from "./link.js";
import { grouped } from "./wording.js";

const IMAGES_IN_FILE = 10_000;

/** The images on this page; `tell` is called with how far they are loaded. */
export class Images {
  constructor(source, tell) {
    const none = { images: new Uint8Array(0), labels: new Uint8Array(0) };
    Object.assign(this, { source, tell, train: none, valid: null, files: 0 });
  }

  /** How many training images are loaded. */
  get loaded() {
    return this.files * IMAGES_IN_FILE;
  }

  /**
   * Return the first `count` training images, once they are loaded, with a promise of the validation
   * images: a training can begin without them.
   */
  async of(count) {
    this.loading = (this.loading ?? Promise.resolve()).catch(() => {}).then(() => this.load(count));
    await this.loading;
    const { images, labels } = this.train;
    const own = {
      images: images.subarray(0, count * IMAGE_PIXELS),
      labels: labels.subarray(0, count),
    };
    return { name: "MNIST", classes: 10, train: own, valid: this.valid };
  }

  async load(count) {
    const words = `loading the first ${grouped(count)} images`;
    const all = count / IMAGES_IN_FILE + 1;
    const tell = (done) => (share) => this.tell({ words, share: (done + share) / all });
    const file = (name, done) =>
      this.source.bytes(name, tell(done)).then(parted, (problem) => {
        this.tell(null);
        throw problem;
      });
    while (this.loaded < count) {
      const more = await file(`mnist-train-${this.files}`, this.files);
      for (const key of ["images", "labels"]) this.train[key] = joined(this.train[key], more[key]);
      this.files += 1;
    }
    this.valid ??= file("mnist-valid", all - 1);
    this.valid.then(
      () => this.tell(null),
      () => {
        this.valid = null; // the next who asks tries again
      },
    );
  }
}

/** What the page shows of the images. */
export function imagesValue(count, loaded) {
  return { count, loaded, choices: CHOICES };
}

function parted(bytes) {
  const count = bytes.length / (IMAGE_PIXELS + 1);
  return {
    images: bytes.subarray(0, count * IMAGE_PIXELS),
    labels: bytes.subarray(count * IMAGE_PIXELS),
  };
}

function joined(bytes, more) {
  const all = new Uint8Array(bytes.length + more.length);
  all.set(bytes);
  all.set(more, bytes.length);
  return all;
}
