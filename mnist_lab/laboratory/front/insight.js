// The network while it learns: first-layer weights, a digit's probabilities, confusion matrix.

import { imageAt, SIDE } from "./digits.js";
import {
  ARROWS,
  bar,
  button,
  diverging,
  element,
  figure,
  headRow,
  largest,
  paint,
  panel,
  percent,
  refill,
  tableRow,
} from "./page.js";

/** The first layer's weights as images, all on one scale. */
export class Weights {
  constructor(store) {
    this.store = store;
    const empty = element("p", { class: "ml-empty" }, "They appear here while a network learns.");
    this.images = element("div", { class: "ml-weights" }, empty);
    this.caption = element("span", { class: "ml-caption" });
    this.panel = panel("learn", "First layer's weights", [this.caption], this.images);
    store.on("weights", () => this.show());
  }

  show() {
    const { of, numbers, images } = this.store.weights;
    const [count, size] = images.shape;
    const side = Math.sqrt(size);
    this.caption.textContent = {
      digit: "one image a digit",
      filter: `${count} filters of ${side} × ${side}`,
      "hidden unit": `the ${count} most active hidden units`,
    }[of];
    if (this.known !== `${of} ${numbers}`) this.build(of, numbers);
    // Full brightness is three times the root mean square of the weights; few are larger.
    const squares = images.data.reduce((sum, value) => sum + value * value, 0);
    const most = 3 * Math.sqrt(squares / images.data.length) || 1;
    this.canvases.forEach((canvas, i) => {
      const image = images.data.subarray(i * size, (i + 1) * size);
      paint(canvas, image, side, (value) => diverging(value / most));
    });
  }

  build(of, numbers) {
    this.known = `${of} ${numbers}`;
    this.images.dataset.of = of;
    this.canvases = numbers.map((number) =>
      element("canvas", { role: "img", "aria-label": `weights of ${of} ${number}` }),
    );
    const words = (number) => (of === "filter" ? "" : String(number));
    this.images.replaceChildren(
      ...this.canvases.map((canvas, i) => figure(canvas, words(numbers[i]))),
    );
  }
}

/** A validation digit, the network's answer, and its neighbours: mistakes first. */
export class Sight {
  constructor(store) {
    this.store = store;
    this.canvas = element("canvas", { class: "ml-digit", role: "img" });
    this.verdict = element("p", { class: "ml-verdict" });
    this.bars = element("ol", { class: "ml-bars", start: 0 });
    this.row = element("div", {
      class: "ml-row",
      role: "group",
      "aria-label": "neighbouring digits",
    });
    const step = (by) => () => store.ask("go_on", { by });
    const spoil = button("Spoil it", "Copy this digit into the drawing field.", () =>
      store.load(this.pixels, this.label),
    );
    const steps = element(
      "div",
      { class: "ml-steps" },
      button("‹", "Look at the digit before.", step(-1)),
      this.row,
      button("›", "Look at the next digit.", step(1)),
    );
    const large = element("div", { class: "ml-large" }, this.canvas, this.bars);
    this.panel = panel("sight", "What the network sees", [spoil], this.verdict, large, steps);
    store.on("sight", () => this.showDigit());
    store.on("sight said", () => this.showSaid());
  }

  showDigit() {
    const { sight } = this.store;
    const place = sight.indices.indexOf(sight.index);
    this.label = sight.labels[place];
    this.pixels = imageAt(sight.pixels, place);
    paint(this.canvas, this.pixels, SIDE);
    this.canvas.setAttribute("aria-label", `a ${this.label}`);
    refill(this.row, digitButtons(this.store, sight, sight.index));
  }

  showSaid() {
    const { said, sight } = this.store;
    const known = said && said.index === sight.index;
    const probabilities = known ? said.probabilities.data : new Float32Array(10);
    const best = known ? largest(probabilities) : null;
    this.showBars(probabilities, best);
    this.verdict.textContent = known
      ? `It says ${best} (${percent(probabilities[best])}); it is a ${this.label}: ${sight.words}.`
      : `A ${this.label}. No network has been asked yet.`;
  }

  showBars(probabilities, best) {
    const line = (probability, digit) => {
      const kind = digit === this.label ? "right" : digit === best ? "wrong" : "other";
      return element(
        "li",
        { class: `ml-${kind}${digit === best ? " ml-best" : ""}` },
        element("b", {}, String(digit)),
        bar(probability),
        element("span", { class: "ml-number" }, percent(probability)),
      );
    };
    this.bars.replaceChildren(...Array.from(probabilities, line));
  }
}

/** How often digits of one class were taken for another, and the digits of a chosen field. */
export class Confusion {
  constructor(store) {
    this.store = store;
    this.caption = element("span", { class: "ml-caption" });
    this.table = element("table", { class: "ml-matrix", onkeydown: (event) => this.key(event) });
    this.behind = element("div", { class: "ml-row ml-behind" });
    this.count = element("p", { class: "ml-verdict" });
    const words = "After each epoch: which digits are taken for which.";
    this.empty = element("p", { class: "ml-empty" }, words);
    const parts = [this.empty, this.table, this.count, this.behind];
    this.panel = panel("confusion", "Confusion matrix", [this.caption], ...parts);
    store.on("confusion", () => this.show());
    store.on("behind", () => this.showBehind());
  }

  show() {
    const { counts, name, epoch } = this.store.confusion;
    const classes = counts.shape[0];
    this.empty.hidden = true;
    this.caption.textContent = `epoch ${epoch}`;
    this.caption.title = name;
    if (this.fields?.length !== classes ** 2) this.build(classes);
    this.fields.forEach((field, place) => {
      const [label, said] = [Math.floor(place / classes), place % classes];
      const row = counts.data.subarray(label * classes, (label + 1) * classes);
      const total = row.reduce((sum, value) => sum + value, 0);
      const count = counts.data[place];
      const share = count / Math.max(total, 1);
      const hue = label === said ? 0.75 * share : Math.min(Math.sqrt(share * 4), 1);
      field.textContent = count || "";
      field.style.setProperty("--share", hue);
      field.setAttribute("aria-label", `${count} times a ${label}, taken for a ${said}`);
    });
    if (!this.count.textContent)
      this.count.textContent = "Choose a field to see the digits behind it.";
  }

  build(classes) {
    const field = (label, said) =>
      element("button", {
        type: "button",
        class: label === said ? "ml-hit" : "ml-miss",
        tabindex: label || said ? -1 : 0,
        onclick: () => this.store.ask("behind", { label, said }),
      });
    const numbers = [...Array(classes).keys()];
    const head = headRow(numbers);
    const hint = "rows: what it is; columns: what the network says";
    head.prepend(element("td", { class: "ml-corner", title: hint }, "is ↓ says →"));
    const rows = numbers.map((label) => numbers.map((said) => field(label, said)));
    this.fields = rows.flat();
    this.table.replaceChildren(head, ...rows.map((fields, label) => tableRow(label, fields)));
  }

  /** Arrows move from field to field; Tab leaves the matrix. */
  key(event) {
    const [right, down] = ARROWS[event.key] ?? [0, 0];
    const step = right + down * Math.sqrt(this.fields.length);
    const next = step && this.fields[this.fields.indexOf(event.target) + step];
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    event.preventDefault();
  }

  showBehind() {
    const { label, said, count, indices } = this.store.behind;
    const shown = count > indices.length ? `, the ${indices.length} surest of them` : "";
    const right = label === said ? "rightly" : "wrongly";
    this.count.textContent = `${count.toLocaleString("en")} times a ${label} was ${right} taken for a ${said}${shown}`;
    refill(this.behind, digitButtons(this.store, this.store.behind));
  }
}

/** Make buttons of small digits, each with the network's answer. */
function digitButtons(store, some, chosen) {
  return some.indices.map((index, place) => {
    const canvas = element("canvas");
    paint(canvas, imageAt(some.pixels, place), SIDE);
    const [label, said] = [some.labels[place], some.saids?.[place]];
    const asked = said !== undefined;
    const words = asked ? `${said === label ? "✓" : "✗"} ${said}` : String(label);
    const answer = asked ? `; the network says ${said} (${percent(some.sure[place], 0)})` : "";
    const hint = `a ${label}${answer}`;
    const about = { "aria-label": hint, "aria-pressed": String(index === chosen) };
    const made = button(words, hint, () => store.ask("look", { index }), about);
    made.prepend(canvas);
    return made;
  });
}
