// The curve that a student expects, drawn into the chart before the training.

import { drawLine, pointAt, pointsOf } from "./marks.js";
import { button, clamp } from "./page.js";

const FIRST = { val_loss: 0.3, val_accuracy: 0.9 }; // where a curve drawn with keys begins
const LIMITS = { val_loss: [1e-4, 100], val_accuracy: [0, 1] };

/** Return a curve with the epochs between two places drawn anew; a first touch makes it level. */
export function redrawn(values, epochs, [from, start], [to, end]) {
  const last = values.at(-1) ?? start;
  const drawn = Array.from({ length: epochs }, (_, i) => values[i] ?? last);
  for (let epoch = Math.min(from, to); epoch <= Math.max(from, to); epoch++)
    drawn[epoch - 1] = to === from ? end : start + ((epoch - from) / (to - from)) * (end - start);
  return drawn;
}

/** Keep a value within what its measure can be, with three digits. */
export function bounded(key, value) {
  return Number(clamp(value, ...LIMITS[key]).toPrecision(3));
}

/** Write a value as its measure is read, with its unit. */
export function reading(value, { digits, factor, unit }) {
  return `${(factor * value).toFixed(digits)}${unit}`;
}

export class Predict {
  constructor(store, measures, charts) {
    Object.assign(this, { store, measures, charts, on: false, from: null, epoch: 1 });
    this.measure = measures.at(-1); // the one that keys draw
    const hint = "Draw what you expect, with the mouse, a finger or the arrow keys, before Start.";
    this.switch = button("Predict", hint, () => this.turn(!this.on), { "aria-pressed": "false" });
    this.forget = button("Forget it", "Remove the curves that you drew.", () => this.clear());
    store.on("expected", () => {
      this.forget.hidden = !Object.keys(store.expected).length;
      charts.request();
    });
  }

  turn(on) {
    this.on = on;
    this.switch.setAttribute("aria-pressed", String(on));
    this.charts.field.classList.toggle("ml-predicting", on);
    this.charts.request();
    if (on) this.store.say(HELP);
  }

  /** The number of epochs that the next training will have. */
  get epochs() {
    return Number(this.store.controls.find(({ key }) => key === "epochs").reads);
  }

  /** Draw with a mouse or a finger in the plot of a measure. */
  listen(place, measure, plot) {
    place.addEventListener("pointerdown", (event) => {
      if (!this.on || event.button) return;
      place.setPointerCapture(event.pointerId);
      this.measure = measure;
      this.from = this.placeOf(event, plot());
      this.draw(this.from);
    });
    place.addEventListener("pointermove", (event) => {
      if (this.from) this.draw(this.placeOf(event, plot()));
    });
    place.addEventListener("lostpointercapture", () => {
      this.send();
      this.from = null;
      this.charts.request();
    });
  }

  placeOf(event, plot) {
    const box = plot.over.getBoundingClientRect();
    const epoch = Math.round(plot.posToVal(event.clientX - box.left, "x"));
    const value = plot.posToVal(event.clientY - box.top, "y") / this.measure.factor;
    return [this.within(epoch), bounded(this.measure.validated, value)];
  }

  within(epoch) {
    return clamp(epoch, 1, this.epochs);
  }

  draw(to) {
    this.set(redrawn(this.values, this.epochs, this.from, to));
    this.from = to;
  }

  get values() {
    return this.store.expected[this.measure.validated] ?? [];
  }

  set(values) {
    const key = this.measure.validated;
    const drawn = values.map((value) => bounded(key, value));
    this.store.take({ expected: { ...this.store.expected, [key]: drawn } });
  }

  send() {
    this.store.ask("expect", { expected: this.store.expected });
  }

  clear() {
    this.store.take({ expected: {} });
    this.send();
  }

  /** Draw with keys, from left to right: a value holds for all later epochs. */
  key({ key, shiftKey }) {
    if (!this.on) return false;
    const right = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 }[key];
    const up = { ArrowUp: 1, ArrowDown: -1 }[key];
    if (right) this.epoch = this.within(this.epoch + right * (shiftKey ? 10 : 1));
    else if (up) this.raise(up * (shiftKey ? 10 : 1));
    else if (key === "m")
      this.measure = this.measures[(this.measures.indexOf(this.measure) + 1) % 2];
    else if (key === "Delete") this.clear();
    else if (key === "Escape") this.turn(false);
    else return false;
    this.charts.readAt(this.epoch);
    if (this.on) this.store.say(this.words());
    return true;
  }

  raise(by) {
    const key = this.measure.validated;
    this.epoch = this.within(this.epoch);
    const now = this.values[this.epoch - 1] ?? this.values.at(-1) ?? FIRST[key];
    const next = bounded(key, key === "val_loss" ? now * 1.1 ** by : now + 0.005 * by);
    this.set(redrawn(this.values, this.epochs, [this.epoch, next], [this.epochs, next]));
    this.send();
  }

  words() {
    const value = this.values[this.epoch - 1];
    const said = value === undefined ? "nothing drawn" : reading(value, this.measure);
    return `Your ${this.measure.key} at epoch ${this.epoch}: ${said}`;
  }
}

const HELP =
  "Draw the validation's accuracy: arrows to the left and right choose the epoch, up and down the value. M changes to the loss and back, Delete removes both, Escape ends it.";

/** Draw an expected curve, dotted, with the value of each epoch. */
export function drawExpected(plot, values, factor, colour) {
  const { ctx } = plot;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
  drawLine(ctx, [pointAt(plot, 0.5, factor * values[0]), ...pointsOf(plot, values, factor)]);
  ctx.setLineDash([]);
}
