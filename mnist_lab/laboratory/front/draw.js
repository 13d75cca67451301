// Draw a digit, spoil it, and see the answers of all networks.

import { DRAWING, FIELD, halved, prepare, rasterize, SIDE } from "./digits.js";
import { Keep } from "./keep.js";
import { button, element, grey, paint, panel, percent, write } from "./page.js";
import { inWords, KINDS, spoil, UNSPOILT } from "./spoiling.js";

const STEP = 7; // pixels of the field that an arrow key moves the pen

export class Draw {
  constructor(store) {
    this.store = store;
    this.field = element("canvas", {
      class: "ml-field",
      width: FIELD,
      height: FIELD,
      tabindex: 0,
      role: "img",
      "aria-label": FIELD_HELP,
    });
    this.ink = element("canvas"); // the drawing, without the pen
    this.seen = element("canvas", {
      class: "ml-seen",
      role: "img",
      "aria-label": "what the networks see: 28 by 28 pixels",
    });
    this.spoilt = element("p", { class: "ml-caption", role: "status" });
    this.rubber = button(
      "Rubber",
      "Rub out instead of drawing.",
      () => this.setErasing(!this.erasing),
      { "aria-pressed": "false" },
    );
    this.answers = element("table", { class: "ml-answers" });
    this.listen();
    const pad = element("div", { class: "ml-pad" }, this.field, this.penButtons());
    const seen = element(
      "figure",
      {},
      this.seen,
      element("figcaption", { title: PREPARED }, "what the networks see"),
    );
    const knobs = element("div", { class: "ml-knobs" }, this.spoilButtons(), this.corruption());
    const spoiling = element("div", { class: "ml-spoil" }, seen, knobs, this.spoilt);
    this.keep = new Keep(store, this);
    const hint = element("span", { class: "ml-caption", title: PREPARED }, "prepared as MNIST was");
    this.panel = panel(
      "draw",
      "Draw a digit",
      [hint],
      element("div", { class: "ml-drawing" }, pad, spoiling, this.keep.panel, this.answers),
    );
    this.clear();
    store.load = (pixels, label) => this.load(pixels, label);
    store.on("answers training", () => this.showAnswers());
    store.on("answers", () => this.send(true));
  }

  penButtons() {
    return element(
      "div",
      { class: "ml-buttons" },
      button("Clear", "Empty the field.", () => this.clear()),
      button("Undo", "Undo the last line.", () => this.undo()),
      this.rubber,
    );
  }

  spoilButtons() {
    const change = (key, by) => () => this.change({ [key]: this.how[key] + by });
    return element(
      "div",
      { class: "ml-buttons ml-tight", role: "group", "aria-label": "spoil the digit" },
      button("Thicker", "Make its lines thicker.", change("thickness", 1)),
      button("Thinner", "Make its lines thinner.", change("thickness", -1)),
      button("←", "Move it a pixel to the left.", change("right", -1)),
      button("→", "Move it a pixel to the right.", change("right", 1)),
      button("↑", "Move it a pixel up.", change("down", -1)),
      button("↓", "Move it a pixel down.", change("down", 1)),
      button("↺", "Turn it by 10 degrees to the left.", change("angle", -10)),
      button("↻", "Turn it by 10 degrees to the right.", change("angle", 10)),
      button("Invert", "Swap black and white.", () =>
        this.change({ inverted: !this.how.inverted }),
      ),
      button("As it was", "Undo all of these changes.", () => this.change(UNSPOILT)),
    );
  }

  /** Make the menu of the kinds that `lab.corrupt` has, and the slider of the strength. */
  corruption() {
    this.kind = element(
      "select",
      {
        title: "One of the ways in which lab.corrupt spoils digits.",
        onchange: () => this.change({ kind: this.kind.value, strength: this.how.strength || 3 }),
      },
      ...KINDS.map((kind) => element("option", {}, kind)),
    );
    this.strength = element("input", {
      type: "range",
      min: 0,
      max: 5,
      "aria-label": "strength",
      oninput: () => this.change({ strength: Number(this.strength.value) }),
    });
    this.reading = element("output", { class: "ml-value" });
    const kind = element("label", {}, "spoil by ", this.kind);
    return element("div", { class: "ml-corruption" }, kind, this.strength, this.reading);
  }

  listen() {
    const { field } = this;
    field.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      field.setPointerCapture(event.pointerId);
      this.begin(this.placeOf(event));
    });
    field.addEventListener("pointermove", (event) => {
      if (!field.hasPointerCapture(event.pointerId)) return;
      const several = event.getCoalescedEvents?.() ?? [];
      this.draw(...(several.length ? several : [event]).map((each) => this.placeOf(each)));
    });
    field.addEventListener("keydown", (event) => this.key(event));
    field.addEventListener("blur", () => this.showField());
  }

  placeOf(event) {
    const box = this.field.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * FIELD) / box.width,
      ((event.clientY - box.top) * FIELD) / box.height,
    ];
  }

  /** Arrows move the pen; Space puts it down and takes it up; Enter keeps the digit. */
  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ];
    if (step) {
      this.pen = this.pen.map((place, i) => Math.min(Math.max(place + STEP * step[i], 0), FIELD));
      if (this.down) this.draw(this.pen);
    } else if (event.key === " ") {
      this.down = !this.down;
      if (this.down) this.begin(this.pen);
    } else if (event.key === "Enter") {
      this.keep.keep();
    } else return;
    event.preventDefault();
    this.showField();
  }

  begin(point) {
    this.strokes.push({ points: [point], erasing: this.erasing });
    this.changed();
  }

  draw(...points) {
    this.strokes.at(-1).points.push(...points);
    this.changed();
  }

  undo() {
    this.strokes.pop();
    this.down = false;
    this.changed();
  }

  setErasing(erasing) {
    this.erasing = erasing;
    this.rubber.setAttribute("aria-pressed", String(erasing));
  }

  clear() {
    this.empty(null, null);
    this.changed();
  }

  /** Put a digit of 28 x 28 pixels into the field, to draw on and to spoil. */
  load(pixels, label) {
    this.empty(
      Float32Array.from(pixels, (value) => value / 255),
      label,
    );
    this.changed();
    this.panel.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  empty(base, label) {
    Object.assign(this, {
      base,
      label,
      strokes: [],
      how: UNSPOILT,
      down: false,
      pen: [FIELD / 2, FIELD / 2],
    });
    this.setErasing(false);
  }

  change(how) {
    this.how = { ...this.how, ...how };
    this.changed();
  }

  /** Prepare the drawing, at most once per animation frame, and ask the networks. */
  changed() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = undefined;
      // MNIST's digits are prepared already; strokes go right onto their pixels.
      const ink = this.base
        ? rasterize(this.strokes, SIDE, this.base)
        : rasterize(this.strokes, FIELD);
      this.drawing = this.base ? null : halved(ink);
      this.image = this.base ? ink : prepare(this.drawing, DRAWING).map((value) => value / 255);
      this.pixels = Uint8Array.from(spoil(this.image, this.how), (value) =>
        Math.round(255 * value),
      );
      this.blank = !this.base && !this.strokes.length;
      this.unsent = true;
      this.send(false);
      // The networks answer while the page is painted.
      paint(this.ink, ink, this.base ? SIDE : FIELD, (value) => grey(Math.round(255 * value)));
      paint(this.seen, this.pixels, SIDE, grey);
      write(this.spoilt, inWords(this.how) || (this.blank ? "" : "as it was"));
      this.kind.value = this.how.kind;
      this.strength.value = this.how.strength;
      write(this.reading, String(this.how.strength || "off"));
      this.keep.show();
      this.showField();
      if (this.blank) this.showAnswers();
    });
  }

  /** Send the digit unless an answer is pending; the latest one follows after that answer. */
  send(answered) {
    if (answered) this.waiting = false;
    if (!this.unsent || this.waiting || this.blank) return;
    [this.unsent, this.waiting] = [false, true];
    this.store.ask("digit", {}, [this.pixels.buffer]);
  }

  showField() {
    const context = this.field.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(this.ink, 0, 0, FIELD, FIELD);
    if (this.blank) this.invite(context);
    if (document.activeElement === this.field && this.field.matches(":focus-visible"))
      this.showPen(context);
  }

  invite(context) {
    context.fillStyle = "#9a9a9a";
    context.font = "16px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText("draw a digit here", FIELD / 2, FIELD / 2);
  }

  showPen(context) {
    context.strokeStyle = this.down ? "#e69f00" : "#9a9a9a";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(...this.pen, 12, 0, 2 * Math.PI);
    context.stroke();
  }

  showAnswers() {
    const { answers = [], training } = this.store;
    const all = training
      ? [...answers, { ...training, name: `${training.name} (training)` }]
      : answers;
    this.answers.hidden = this.blank || !all.length;
    if (this.answers.hidden) return;
    const classes = all[0].probabilities.data.length;
    const known = JSON.stringify([classes, all.map(({ name }) => name)]);
    // A new digit only changes the cells, so that its answers appear at once.
    if (known !== this.known) this.makeAnswers(all, classes);
    this.known = known;
    all.forEach(({ probabilities }, i) => {
      this.fillRow(this.answers.tBodies[0].rows[i], probabilities.data);
    });
  }

  makeAnswers(all, classes) {
    const digits = Array.from({ length: classes }, (_, digit) => String(digit));
    const head = ["network", "says", ...digits].map((words) =>
      element("th", { scope: "col" }, words),
    );
    const row = ({ name }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row", title: name }, name),
        element("td", { class: "ml-answer" }, element("b"), ""),
        ...digits.map(() => element("td", {}, element("span"))),
      );
    this.answers.replaceChildren(
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...all.map(row)),
    );
  }

  fillRow({ cells: [, says, ...columns] }, probabilities) {
    const best = probabilities.indexOf(Math.max(...probabilities));
    const judged = this.label === null ? "" : best === this.label ? " ✓" : " ✗";
    write(says.firstChild, `${best}${judged}`);
    write(says.lastChild, ` ${percent(probabilities[best], 0)}`);
    columns.forEach((cell, digit) => {
      cell.className = `ml-column${digit === best ? " ml-best" : ""}`;
      cell.title = `${digit}: ${percent(probabilities[digit])}`;
      cell.style.setProperty("--share", probabilities[digit]);
    });
  }
}

const FIELD_HELP =
  "a field to draw a digit with mouse, finger or pen; on the keyboard, arrows move the pen, Space puts it down and lifts it, Enter keeps the digit";
const PREPARED =
  "Like the makers of MNIST did: scaled to a box of 20 × 20 pixels with its proportions kept, grey at the edges, and placed in 28 × 28 with its centre of mass in the middle.";
