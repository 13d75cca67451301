// The controls of the laboratory, and all that follows from their values.

import { general } from "./wording.js";

/** A part with one value for each of its controls. */
export class Setup {
  constructor(figures, part, values) {
    Object.assign(this, { figures, part, values, about: figures.parts[part] });
  }

  /** The sheet's values, with seed 0. */
  static ofSheet(figures, part) {
    return new Setup(figures, part, figures.parts[part].values);
  }

  /** Return a copy with some controls at other values; an error if a control cannot have one. */
  moved(values) {
    for (const [key, value] of Object.entries(values)) this.check(key, value);
    return new Setup(this.figures, this.part, { ...this.values, ...values });
  }

  check(key, value) {
    if (!Object.hasOwn(this.values, key)) throw new RangeError(`There is no control ${key}.`);
    const { choices, last } = this.about.controls[key];
    const free = key === "learning_rate"; // any value between the slider's ends
    const inside = free
      ? value >= choices[0] && value <= choices[last]
      : this.placeOf(key, value) >= 0;
    if (!inside) throw new RangeError(`The control ${key} cannot be ${value}.`);
  }

  /** A control's value at a place of its slider. */
  choice(key, place) {
    return this.about.controls[key].choices?.[place] ?? place; // the seed is its own place
  }

  /** A value's place among a control's choices, -1 if it is none of them. */
  placeOf(key, value) {
    const { choices, last } = this.about.controls[key];
    if (choices) return choices.findIndex((choice) => isSameValue(choice, value));
    return Number.isInteger(value) && value >= 0 && value <= last ? value : -1;
  }

  isChanged(key) {
    return !isSameValue(this.values[key], this.about.values[key]);
  }

  /** The keys of the controls whose values differ from the sheet's. */
  get changed() {
    return Object.keys(this.values).filter((key) => this.isChanged(key));
  }

  /** All values that decide how long an iteration takes. */
  get network() {
    const { learning_rate, epochs, seed, ...fixed } = this.values;
    const figures = Object.entries(fixed).map(([key, value]) => `${key}=${value}`);
    return [this.part, ...figures].join(" ");
  }

  /** The number of the network's weights and biases. */
  get parameters() {
    const { sized, parameters } = this.about;
    return parameters[this.placeOf(sized, this.values[sized])];
  }

  /** All settings in words, and whether each differs from the sheet's. */
  get words() {
    return Object.keys(this.values).map((key) => [this.inWords(key), this.isChanged(key)]);
  }

  /** The part and what differs from the sheet; runs of different seeds share a name. */
  get name() {
    const unlike = this.changed.filter((key) => key !== "seed");
    return [this.part, ...unlike.map((key) => this.inWords(key))].join(", ");
  }

  /** What the page has to know once of the part's controls. */
  choices() {
    return Object.entries(this.about.controls).map(
      ([key, { label, tooltip, last, ...control }]) => {
        const reads = control.choices?.map((choice) => this.reads(key, choice));
        return { key, label, tooltip, last, ...(reads ? { choices: reads } : {}) };
      },
    );
  }

  /** The controls' values as the page shows them, with their places in the choices. */
  controls() {
    return Object.entries(this.values).map(([key, value]) => {
      const near = key === "learning_rate" ? this.nearest(value) : value;
      return { key, place: this.placeOf(key, near), reads: this.reads(key, value) };
    });
  }

  nearest(rate) {
    const { choices } = this.about.controls.learning_rate;
    const nearer = (a, b) => (Math.abs(b - rate) < Math.abs(a - rate) ? b : a);
    return choices.reduce(nearer);
  }

  reads(key, value) {
    const { reads } = this.about.controls[key];
    return reads ? reads[this.placeOf(key, value)] : general(value);
  }

  inWords(key) {
    const { label, words } = this.about.controls[key];
    const value = this.values[key];
    return words ? words[this.placeOf(key, value)] : `${label} ${general(value)}`;
  }
}

/** Whether two values of a control, numbers, words or pairs, are the same. */
function isSameValue(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
