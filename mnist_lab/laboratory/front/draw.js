// Draw a digit, spoil it, and see the answers of all networks.

import { asBytes, DRAWING, FIELD, halved, prepare, rasterize, SIDE } from "./digits.js";
import { Keep } from "./keep.js";
import {
  ARROWS,
  button,
  clamp,
  element,
  figure,
  headRow,
  largest,
  options,
  paint,
  panel,
  percent,
  pointed,
  tableRow,
  write,
} from "./page.js";
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
      onpointerdown: (event) => this.press(event),
      onpointermove: (event) => this.move(event),
      onkeydown: (event) => this.key(event),
      onblur: () => this.showField(),
    });
    this.ink = element("canvas"); // the drawing, without the pen
    this.seen = element("canvas", {
      class: "ml-seen",
      role: "img",
      "aria-label": "what the networks see: 28 by 28 pixels",
    });
    this.spoilt = element("p", { class: "ml-caption", role: "status" });
    this.answers = element("table", { class: "ml-answers" });
    const pad = element("div", { class: "ml-pad" }, this.field, this.penButtons());
    const seen = figure(this.seen, "what the networks see", PREPARED);
    const knobs = element("div", { class: "ml-knobs" }, this.spoilButtons(), this.corruption());
    const spoiling = element("div", { class: "ml-spoil" }, seen, knobs, this.spoilt);
    this.keep = new Keep(store, this);
    const hint = element("span", { class: "ml-caption", title: PREPARED }, "prepared as MNIST was");
    const parts = [pad, spoiling, this.keep.panel, this.answers];
    const drawing = element("div", { class: "ml-drawing" }, ...parts);
    this.panel = panel("draw", "Draw a digit", [hint], drawing);
    this.clear();
    store.load = (pixels, label) => this.load(pixels, label);
    store.on("answers training", () => this.showAnswers());
    store.on("answers", () => this.send(true));
  }

  penButtons() {
    const rub = () => this.setErasing(!this.erasing);
    this.rubber = button("Rubber", "Rub out instead of drawing.", rub);
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
    const invert = () => this.change({ inverted: !this.how.inverted });
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
      button("Invert", "Swap black and white.", invert),
      button("As it was", "Undo all of these changes.", () => this.change(UNSPOILT)),
    );
  }

  /** Make the menu of the kinds that `lab.corrupt` has, and the slider of the strength. */
  corruption() {
    const title = "One of the ways in which lab.corrupt spoils digits.";
    const choose = () => this.change({ kind: this.kind.value, strength: this.how.strength || 3 });
    const kinds = options(KINDS.map((kind) => [kind, kind]));
    this.kind = element("select", { title, onchange: choose }, ...kinds);
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

  press(event) {
    if (event.button) return;
    this.field.setPointerCapture(event.pointerId);
    this.begin(pointed(this.field, event));
  }

  move(event) {
    if (!this.field.hasPointerCapture(event.pointerId)) return;
    const several = event.getCoalescedEvents?.() ?? [];
    const events = several.length ? several : [event];
    this.draw(...events.map((each) => pointed(this.field, each)));
  }

  /** Arrows move the pen; Space puts it down and takes it up; Enter keeps the digit. */
  key(event) {
    const step = ARROWS[event.key];
    if (step) {
      this.pen = this.pen.map((place, i) => clamp(place + STEP * step[i], 0, FIELD));
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

  /** Put a digit of 28 x 28 pixels into the field, to draw on and to spoil. */
  load(pixels, label) {
    const base = Float32Array.from(pixels, (value) => value / 255);
    this.clear(base, label);
    this.panel.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  /** Begin anew, on nothing or on an image (`base`) of a known digit. */
  clear(base, label = null) {
    Object.assign(this, { base, label, strokes: [], how: UNSPOILT, down: false });
    this.pen = [FIELD / 2, FIELD / 2];
    this.setErasing(false);
    this.changed();
  }

  change(how) {
    this.how = { ...this.how, ...how };
    this.changed();
  }

  /** Prepare the drawing, at most once per animation frame, and ask the networks. */
  changed() {
    this.answers.ariaBusy = "true";
    this.pending ??= requestAnimationFrame(() => {
      this.pending = undefined;
      // MNIST's digits are prepared already; strokes go right onto their pixels.
      const size = this.base ? SIDE : FIELD;
      const ink = rasterize(this.strokes, size, this.base);
      this.drawing = this.base ? null : halved(ink);
      this.image = this.base ? ink : prepare(this.drawing, DRAWING).map((value) => value / 255);
      this.pixels = asBytes(spoil(this.image, this.how));
      this.blank = !this.base && !this.strokes.length;
      this.unsent = true;
      this.send(false);
      // The networks answer while the page is painted.
      paint(this.ink, asBytes(ink), size);
      paint(this.seen, this.pixels, SIDE);
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
    if (this.unsent && !this.waiting && !this.blank) {
      [this.unsent, this.waiting] = [false, true];
      this.store.ask("digit", {}, [this.pixels.buffer]);
    }
    this.answers.ariaBusy = String(!this.blank && this.waiting);
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
    const live = training && { ...training, name: `${training.name} (training)` };
    const all = live ? [...answers, live] : answers;
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
    const digits = [...Array(classes).keys()];
    const head = element("thead", {}, headRow(["network", "says", ...digits]));
    const rows = all.map(({ name }) => {
      const title = element("span", { title: name }, name);
      return tableRow(title, [[element("b"), ""], ...digits.map(() => element("span"))]);
    });
    this.answers.replaceChildren(head, element("tbody", {}, ...rows));
  }

  fillRow({ cells: [, says, ...columns] }, probabilities) {
    const best = largest(probabilities);
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
