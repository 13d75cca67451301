// The network while it learns: first-layer weights, a digit's probabilities, confusion matrix.

import { SIDE } from "./digits.js";
import {
  button,
  diverging,
  element,
  grey,
  paint,
  panel,
  percent,
  probabilityBars,
} from "./page.js";

/** The first layer's weights as images, all on one scale. */
export class Weights {
  constructor(store) {
    this.store = store;
    this.images = element("div", { class: "ml-weights" });
    this.caption = element("span", { class: "ml-caption" });
    this.panel = panel("learn", "First layer's weights", [this.caption], this.images);
    this.images.append(
      element("p", { class: "ml-empty" }, "They appear here while a network learns."),
    );
    store.on("weights", () => this.show());
  }

  show() {
    const { of, numbers, images } = this.store.weights;
    const [count, size] = images.shape;
    const side = Math.sqrt(size);
    const known = `${of} ${numbers}`;
    if (known !== this.known) {
      this.known = known;
      this.canvases = numbers.map(() => element("canvas", { role: "img" }));
      const figures = this.canvases.map((canvas, i) => {
        canvas.setAttribute("aria-label", `weights of ${of} ${numbers[i]}`);
        return element(
          "figure",
          {},
          canvas,
          element("figcaption", {}, of === "filter" ? "" : String(numbers[i])),
        );
      });
      this.images.replaceChildren(...figures);
      this.images.dataset.of = of;
      this.caption.textContent = {
        digit: "one image a digit",
        filter: `${count} filters of ${side} × ${side}`,
        "hidden unit": `the ${count} most active hidden units`,
      }[of];
    }
    // Full brightness is three times the root mean square of the weights; few are larger.
    const squares = images.data.reduce((sum, value) => sum + value * value, 0);
    const most = 3 * Math.sqrt(squares / images.data.length) || 1;
    this.canvases.forEach((canvas, i) => {
      const image = images.data.subarray(i * size, (i + 1) * size);
      paint(canvas, image, side, (value) => diverging(value / most));
    });
  }
}

/** A validation digit, the network's answer, and its neighbours: mistakes first. */
export class Sight {
  constructor(store) {
    this.store = store;
    this.canvas = element("canvas", { class: "ml-digit", role: "img" });
    this.verdict = element("p", { class: "ml-verdict" });
    this.bars = probabilityBars();
    this.row = element("div", {
      class: "ml-row",
      role: "group",
      "aria-label": "neighbouring digits",
    });
    const step = (by) => () => store.ask("go_on", { by });
    const spoil = button("Spoil it", "Copy this digit into the drawing field.", () =>
      store.load(this.pixels(), this.label()),
    );
    const steps = element(
      "div",
      { class: "ml-steps" },
      button("‹", "Look at the digit before.", step(-1)),
      this.row,
      button("›", "Look at the next digit.", step(1)),
    );
    const large = element("div", { class: "ml-large" }, this.canvas, this.bars.list);
    this.panel = panel("sight", "What the network sees", [spoil], this.verdict, large, steps);
    store.on("sight", () => this.showDigit());
    store.on("sight said", () => this.showSaid());
  }

  place() {
    return this.store.sight.indices.indexOf(this.store.sight.index);
  }

  label() {
    return this.store.sight.labels[this.place()];
  }

  pixels() {
    return digitOf(this.store.sight, this.place());
  }

  showDigit() {
    const { sight } = this.store;
    paint(this.canvas, this.pixels(), SIDE, grey);
    this.canvas.setAttribute("aria-label", `a ${this.label()}`);
    this.row.replaceChildren(...digitButtons(this.store, sight, sight.index));
  }

  showSaid() {
    const { said, sight } = this.store;
    const known = said && said.index === sight.index;
    const probabilities = known ? said.probabilities.data : new Float32Array(10);
    this.bars.update(probabilities, this.label());
    const best = probabilities.indexOf(Math.max(...probabilities));
    this.verdict.textContent = known
      ? `It says ${best} (${percent(probabilities[best])}); it is a ${this.label()}: ${sight.words}.`
      : `A ${this.label()}. No network has been asked yet.`;
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
    const empty = element(
      "p",
      { class: "ml-empty" },
      "After each epoch: which digits are taken for which.",
    );
    this.empty = empty;
    this.panel = panel(
      "confusion",
      "Confusion matrix",
      [this.caption],
      empty,
      this.table,
      this.count,
      this.behind,
    );
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
      const share = counts.data[place] / Math.max(total, 1);
      field.textContent = counts.data[place] || "";
      field.style.setProperty(
        "--share",
        label === said ? 0.75 * share : Math.min(Math.sqrt(share * 4), 1),
      );
      field.setAttribute(
        "aria-label",
        `${counts.data[place]} times a ${label}, taken for a ${said}`,
      );
    });
    if (!this.count.textContent)
      this.count.textContent = "Choose a field to see the digits behind it.";
  }

  build(classes) {
    const numbers = Array.from({ length: classes }, (_, i) => i);
    this.fields = [];
    const head = numbers.map((said) => element("th", { scope: "col" }, String(said)));
    const corner = element(
      "td",
      { class: "ml-corner", title: "rows: what it is; columns: what the network says" },
      "is ↓ says →",
    );
    const rows = numbers.map((label) => {
      const cells = numbers.map((said) => {
        const ask = () => this.store.ask("behind", { label, said });
        const kind = label === said ? "ml-hit" : "ml-miss";
        const field = element("button", {
          type: "button",
          class: kind,
          tabindex: this.fields.length ? -1 : 0,
          onclick: ask,
        });
        this.fields.push(field);
        return element("td", {}, field);
      });
      return element("tr", {}, element("th", { scope: "row" }, String(label)), ...cells);
    });
    this.table.replaceChildren(element("tr", {}, corner, ...head), ...rows);
  }

  /** Arrows move from field to field; Tab leaves the matrix. */
  key(event) {
    const classes = Math.sqrt(this.fields?.length ?? 0);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -classes, ArrowDown: classes }[event.key];
    const at = this.fields?.indexOf(event.target) ?? -1;
    const next = this.fields?.[at + step];
    if (!step || at < 0 || !next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    event.preventDefault();
  }

  showBehind() {
    const { behind } = this.store;
    const { label, said, count, indices } = behind;
    const shown = count > indices.length ? `, the ${indices.length} surest of them` : "";
    const right = label === said ? "rightly" : "wrongly";
    this.count.textContent = `${count.toLocaleString("en")} times a ${label} was ${right} taken for a ${said}${shown}`;
    this.behind.replaceChildren(...digitButtons(this.store, behind));
  }
}

function digitOf({ pixels }, place) {
  return pixels.data.subarray(place * SIDE ** 2, (place + 1) * SIDE ** 2);
}

/** Make buttons of small digits, each with the network's answer. */
function digitButtons(store, some, chosen) {
  return some.indices.map((index, place) => {
    const canvas = element("canvas", {});
    paint(canvas, digitOf(some, place), SIDE, grey);
    const { labels, saids, sure } = some;
    const words = saids
      ? `${saids[place] === labels[place] ? "✓" : "✗"} ${saids[place]}`
      : String(labels[place]);
    const hint = saids
      ? `a ${labels[place]}; the network says ${saids[place]} (${percent(sure[place], 0)})`
      : `a ${labels[place]}`;
    const look = () => store.ask("look", { index });
    const kind = saids && saids[place] !== labels[place] ? "ml-wrong" : "ml-right";
    const attributes = {
      type: "button",
      class: kind,
      title: hint,
      "aria-label": hint,
      "aria-pressed": String(index === chosen),
      onclick: look,
    };
    return element("button", attributes, canvas, element("span", {}, words));
  });
}
