// Digits that the student draws and keeps, with their labels: in a file, or on the device.

import { asBytes, imageAt, SIDE } from "./digits.js";
import { button, element, paint, refill, write } from "./page.js";

const EACH = 2; // times that each of the ten digits is asked for

/**
 * Return the digit to draw, `label`, and `words` that ask for it: of those kept least often the
 * first, unless another was chosen.
 */
export function nextDigit(labels, chosen = null) {
  const counts = Array(10).fill(0);
  for (const label of labels) counts[label] += 1;
  const kept = counts.reduce((sum, count) => sum + Math.min(count, EACH), 0);
  const label = chosen ?? counts.indexOf(Math.min(...counts));
  if (kept === 10 * EACH && chosen === null)
    return { label, words: `All ${kept} are kept. Draw more if you like.` };
  const place = counts[label] < EACH ? `${kept + 1} of ${10 * EACH}` : "one more";
  return { label, words: `Draw ${a(label)} — ${place}` };
}

/** The digit in words, such as "a 3". */
function a(label) {
  return label === 8 ? "an 8" : `a ${label}`;
}

export class Keep {
  constructor(store, draw) {
    Object.assign(this, { store, draw, chosen: null, waiting: null });
    this.count = element("span", { class: "ml-caption" });
    this.prompt = element("p", { role: "status" });
    this.labels = Array.from({ length: 10 }, (_, label) =>
      button(String(label), `It is ${a(label)}.`, () => this.choose(label)),
    );
    const hint = "Keep it for a test of your own; Enter in the field does it, too.";
    this.button = button("Keep it", hint, () => this.keep(), { class: "ml-primary" });
    this.back = button("Take back", "Remove the digit that was kept last.", () =>
      this.remove(this.store.kept.labels.data.length - 1),
    );
    this.problem = element("p", { class: "ml-alert", role: "alert" });
    this.list = element("ul", { class: "ml-kept", "aria-label": "kept digits" });
    const group = { class: "ml-buttons", role: "group", "aria-label": "which digit it is" };
    const labels = element("div", group, ...this.labels);
    const buttons = element("div", { class: "ml-buttons" }, this.button, this.back);
    const head = element("summary", {}, "Keep it as a … ", this.count);
    const parts = element("div", {}, this.prompt, labels, buttons, this.problem, this.list);
    this.panel = element("details", { class: "ml-keep" }, head, parts);
    store.on("kept", () => this.take());
  }

  choose(label) {
    this.chosen = label;
    this.show();
  }

  /** Keep the drawn digit as it was before it was spoilt. A digit of MNIST is not the student's own. */
  keep() {
    const { draw, store, waiting } = this;
    if (waiting || !this.panel.open || !this.ready()) return;
    this.waiting = { image: draw.image, count: store.kept.labels.data.length };
    const { buffer } = asBytes(draw.image);
    store.ask("keep", { label: this.next().label }, [buffer, draw.drawing.buffer]);
  }

  ready() {
    return !this.draw.blank && !this.draw.base;
  }

  next() {
    return nextDigit(this.store.kept.labels.data, this.chosen);
  }

  /** Remove a digit from the file, unless an answer is pending, which may change their numbers. */
  remove(index) {
    if (this.waiting) return;
    this.waiting = {};
    this.store.ask("unkeep", { index });
  }

  /** Show what is in the file now; a digit that has reached it leaves the field. */
  take() {
    const { labels, where, problem } = this.store.kept;
    const { image, count } = this.waiting ?? {};
    this.waiting = null;
    if (image && !problem && labels.data.length > count) {
      this.chosen = null;
      if (image === this.draw.image) this.draw.clear();
      if (this.panel.contains(document.activeElement))
        this.draw.field.focus({ preventScroll: true });
    }
    if (labels.data.length || problem) this.panel.open = true;
    write(this.count, labels.data.length ? `${labels.data.length} ${where}` : "");
    write(this.problem, problem);
    this.problem.hidden = !problem;
    this.back.disabled = !labels.data.length;
    this.showList();
    this.show();
  }

  /** Show which digit is asked for, and whether there is one to keep. */
  show() {
    const { label, words } = this.next();
    write(this.prompt, words);
    write(this.button, `Keep it as ${a(label)}`);
    this.button.disabled = !this.ready();
    this.labels.forEach((each, digit) => {
      each.setAttribute("aria-pressed", String(digit === label));
    });
  }

  /** Show the newest digits of the file, each with a button that removes it. */
  showList() {
    const { labels, images } = this.store.kept;
    const first = labels.data.length - images.shape[0];
    const item = (label, i) => {
      const canvas = element("canvas", { "aria-hidden": "true" });
      paint(canvas, imageAt(images, i), SIDE);
      const hint = `Remove digit ${first + i + 1}, ${a(label)}.`;
      const remove = button("×", hint, () => this.remove(first + i));
      return element("li", {}, canvas, element("span", {}, String(label), remove));
    };
    refill(this.list, Array.from(labels.data.subarray(first), item));
  }
}
