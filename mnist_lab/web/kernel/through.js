// Through a network: what each layer makes of a digit, and what one value is computed from. It
// follows mnist_lab/laboratory/through.py, and sends the same values.

import { scaled } from "./digits.js";
import {
  idleUnits,
  isLinear,
  layersOf,
  lookThrough,
  passesOn,
  randomMask,
  speaking,
  sumAt,
} from "./layers.js";

const MOST_MAPS = 64; // of a layer that are sent
const MOST_UNITS = 4096;
const NO_NETWORK = "There is no network yet: train one.";
const NO_DIGIT = "There is no digit yet: draw one, or wait until the images are loaded.";
const SAMPLE = 50; // validation images that decide which units are dead
const BETWEEN_LOOKS = 200; // milliseconds at least between two looks at a network in training
const LOOKING = 0.05; // share of the training's time that looks may take
const BETWEEN_MARKS = 30_000; // milliseconds until it is found out again which units are dead
const NEWEST = "the newest network";

/** A network that is seen through. */
class Opened {
  constructor(layers) {
    Object.assign(this, { layers, marks: layers.map(() => new Uint8Array()) });
  }

  /** Look at an image of bytes; `masks`: whether dropout drops units. */
  look(pixels, masks) {
    return lookThrough(this.layers, scaled(pixels), masks ? randomMask : undefined);
  }

  /** Find the units that say nothing about any of the first validation images. */
  async mark(digits) {
    const count = Math.min(SAMPLE, digits.labels.length);
    const sample = Array.from({ length: count }, (_, index) => scaled(digits.image(index)));
    this.marks = await idleUnits(this.layers, sample);
  }
}

/**
 * Looks through one network at a time, as long as the page wants to see it.
 *
 * `send` is called with the values for the page; `digits` are the validation digits; `atHand` lists the networks as {name, layers}, the newest
 * last. The same network has the same array of layers each time.
 */
export class Through {
  constructor(send, digits, atHand) {
    Object.assign(this, { send, digits, atHand });
    this.drawn = null; // the last drawn digit, as bytes
    this.training = false; // whether a network is in training
    this.wish = null;
    this.opened = null;
    this.next = -Infinity; // time of the next look at a network in training
    this.marks = this.marking = null; // of its units; and the look that finds them
    this.nextMarks = -Infinity;
  }

  /** Show what the page wants to see, until it wants something else, or nothing (null). */
  want(wish) {
    this.wish = wish && { network: NEWEST, drawn: true, masks: false, at: null, ...wish };
    this.next = -Infinity;
    if (!wish) this.opened = null;
    this.show();
  }

  /** Show a network that is no longer in training. */
  ended() {
    this.training = false;
    this.marks = this.marking = null;
    this.nextMarks = -Infinity;
    this.show();
  }

  /** Show what is wanted, unless that is the network in training, which `live` shows. */
  show() {
    const { wish } = this;
    if (!wish || (this.training && wish.network === NEWEST)) return;
    const networks = this.atHand();
    const chosen = networks.find(({ name }) => name === wish.network) ?? networks.at(-1);
    if (!chosen) return this.send({ through: { problem: NO_NETWORK } });
    if (!this.seesDrawn && !this.digits.labels.length)
      return this.send({ through: { problem: NO_DIGIT } });
    if (this.opened?.layers !== chosen.layers) this.open(chosen.layers);
    const values = this.values(this.opened, true);
    this.send({ through: { ...values, ...this.names(chosen.name) } });
  }

  /** Open a network, and show it again as soon as it is known which units say nothing. */
  open(layers) {
    const opened = new Opened(layers);
    this.opened = opened;
    opened.mark(this.digits).then(() => this.opened === opened && this.show());
  }

  /**
   * Return what to show of a network in training; nothing if the last look was too recent, or if
   * there is no network, as when a recorded run is played.
   */
  live(network, run) {
    const began = performance.now();
    if (this.wish?.network !== NEWEST || !network || began < this.next) return {};
    const { part, values } = network;
    const opened = new Opened(layersOf(part, network.weights, { dropout: values.dropout }));
    if (began > this.nextMarks) this.markLive(opened, began);
    opened.marks = this.marks ?? opened.marks;
    const seen = this.values(opened, false);
    const ended = performance.now();
    this.next = ended + Math.max(BETWEEN_LOOKS, (ended - began) / LOOKING);
    return { through: { ...seen, ...this.names(`${run.name} (training)`) } };
  }

  /** Find the units that say nothing, while the training goes on. */
  markLive(opened, now) {
    this.nextMarks = now + BETWEEN_MARKS;
    this.marking = opened;
    opened.mark(this.digits).then(() => {
      if (this.marking === opened) this.marks = opened.marks;
    });
  }

  /** Whether the drawn digit is looked at, not the selected one. */
  get seesDrawn() {
    return this.wish.drawn && this.drawn !== null;
  }

  names(network) {
    return { networks: [NEWEST, ...this.atHand().map(({ name }) => name)], network };
  }

  /** Return all that the page shows of a network; with `speaks`, which pixels speak for it. */
  values(opened, speaks) {
    const { labels, index } = this.digits;
    const { masks, at } = this.wish;
    const drawn = this.seesDrawn;
    const digit = drawn ? this.drawn : this.digits.image(index).slice();
    const { layers, marks } = opened;
    const seen = opened.look(digit, masks);
    return {
      problem: "",
      drawn,
      index,
      count: labels.length,
      label: drawn ? null : labels[index],
      digit: inOneRow(digit),
      layers: layers.map((layer, i) =>
        shownLayer(layer, seen.values[i], seen.masks.get(i), marks[i]),
      ),
      dropout: layers.some(({ kind }) => kind === "Dropout"),
      scores: inOneRow(seen.scores),
      probabilities: inOneRow(seen.probabilities),
      pixels: speaks ? inOneRow(speaking(layers, seen)) : null,
      linear: isLinear(layers),
      sum: at && isPlace(at, seen.values) ? { at, ...sumAt(layers, seen, ...at) } : null,
    };
  }
}

/** Return a layer's values as bytes, -127 to 127, or why it has none to show. */
function shownLayer(layer, { shape, data }, mask, marks) {
  const { name, kind, activation } = layer;
  const about = { name, kind, activation, why: mask ? "" : passesOn(layer) };
  if (mask) {
    const dropped = mask.filter((each) => each === 0).length / mask.length;
    about.dropped = `${Math.round(100 * dropped)}% dropped`;
  }
  if (about.why) return about;
  const shown = shape.length === 3 ? mapsOf(shape, data) : inOneRow(data.slice(0, MOST_UNITS));
  const top = shown.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const most = top === 0 ? 1 : top;
  if (!Number.isFinite(most)) return { ...about, why: "gives values that are no longer numbers" };
  const bytes = Int8Array.from(shown.data, (value) => Math.round((value * 127) / most));
  const values = { shape: shown.shape, data: bytes };
  return { ...about, shape, most, values, marks: inOneRow(marks) };
}

/** Return the first maps of a layer one after the other. */
function mapsOf([high, wide, channels], data) {
  const count = Math.min(channels, MOST_MAPS);
  const maps = new Float32Array(count * high * wide);
  for (let i = 0, map = 0; map < count; map++)
    for (let pixel = 0; pixel < high * wide; pixel++) maps[i++] = data[pixel * channels + map];
  return { shape: [count, high, wide], data: maps };
}

/** Whether a network has a value there: a layer's number, and a place in it. */
function isPlace([number, place], values) {
  const shape = values[number]?.shape;
  return shape?.length === place.length && place.every((each, axis) => each < shape[axis]);
}

function inOneRow(data) {
  return { shape: [data.length], data };
}
