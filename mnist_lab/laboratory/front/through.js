// Through the network: what each layer makes of a digit, from the pixels to the scores.

import { SIDE } from "./digits.js";
import { Mosaic } from "./mosaic.js";
import {
  bar,
  checkbox,
  diverging,
  element,
  headRow,
  largest,
  options,
  paint,
  panel,
  percent,
  tableRow,
  write,
} from "./page.js";
import { number, placeWords, Sums } from "./sums.js";

const SIDE_BY_SIDE = 700; // pixels of the page, from which the sum stands beside its layer

export class Through {
  constructor(store) {
    Object.assign(this, { store, at: null, held: false, shown: [] });
    const choose = () => this.wish({ at: null });
    this.network = element("select", { "aria-label": "network to look into", onchange: choose });
    this.image = element("select", { "aria-label": "digit to look at", onchange: choose });
    this.image.append(
      ...options([
        ["drawn", DRAWN[1]],
        ["", "validation digit number"],
      ]),
    );
    this.index = element("input", {
      type: "number",
      min: 0,
      "aria-label": "number of the validation digit",
      oninput: () => this.look(),
    });
    const again = () => this.wish({});
    this.dropping = checkbox("drop units, as in one pass of training", { onchange: again });
    this.problem = element("p", { class: "ml-alert", role: "status" });
    this.layers = element("ol", { class: "ml-layers" });
    this.sums = new Sums();
    this.side = element("div", {}, this.sums.panel);
    this.digit = element("canvas", { role: "img" });
    this.pixels = element("canvas", { role: "img", "aria-label": "which pixels speak for it" });
    this.speaks = element("figcaption");
    this.answer = element("figcaption");
    this.scores = element("table", { class: "ml-scores" });
    const digit = element("figure", {}, this.digit, this.answer);
    const pixels = element("figure", {}, this.pixels, this.speaks);
    this.ends = element("div", { class: "ml-ends" }, digit, pixels, this.scores);
    const chosen = [this.network, this.image, this.index, this.dropping];
    const choices = element("div", { class: "ml-buttons" }, ...chosen);
    this.inside = element("div", { class: "ml-inside" }, this.layers, this.side);
    const title = element("summary", {}, "Look inside: what each layer makes of a digit");
    const parts = element("div", {}, choices, this.problem, this.ends, this.inside);
    this.details = element("details", { class: "ml-keep", ontoggle: again }, title, parts);
    this.panel = panel("through", "Through the network", [], this.details);
    store.on("through", () => this.take());
  }

  /** Ask for what is wanted now; while an answer is pending, the latest wish waits for it. */
  wish(changes) {
    Object.assign(this, changes);
    this.unsent = true;
    this.send();
  }

  send() {
    if (!this.unsent || this.waiting) return;
    this.unsent = false;
    this.waiting = this.details.open;
    const [drawn, masks] = [this.image.value === "drawn", this.dropping.control.checked];
    const wish = { drawn, masks, at: this.at };
    if (this.network.value) wish.network = this.network.value;
    this.store.ask("through", { wish: this.details.open ? wish : null });
  }

  look() {
    if (!this.index.checkValidity() || !this.index.value) return;
    this.image.value = "";
    this.wish({});
    this.store.ask("look", { index: Number(this.index.value) });
  }

  take() {
    this.waiting = false;
    const { through } = this.store;
    if (!this.details.open) return;
    this.showChoices(through);
    write(this.problem, through.problem);
    this.problem.hidden = !through.problem;
    this.inside.hidden = this.ends.hidden = Boolean(through.problem);
    if (!through.problem) {
      this.showEnds(through);
      this.showLayers(through);
    }
    this.send();
  }

  showChoices({ networks = [], network, drawn, index, count, dropout }) {
    const known = networks.join("\n");
    if (known !== this.known) {
      const before = this.network.value;
      this.network.replaceChildren(...options(networks.map((name) => [name, name])));
      this.network.value = networks.includes(before) ? before : (networks[0] ?? "");
      this.known = known;
    }
    if (networks.length) write(this.network.options[0], `${networks[0]}: ${network}`);
    this.dropping.hidden = !dropout;
    if (count === undefined) return;
    this.index.max = count - 1;
    if (document.activeElement !== this.index) this.index.value = index;
    write(this.image.options[0], drawn || this.image.value ? DRAWN[Number(drawn)] : DRAWN[1]);
  }

  /** Show what goes in and what comes out. */
  showEnds({ digit, label, pixels, linear, scores, probabilities }) {
    paint(this.digit, digit.data, SIDE);
    const best = largest(probabilities.data);
    const truth = label === null ? "" : `; it is a ${label}`;
    this.digit.setAttribute("aria-label", label === null ? "the drawn digit" : `a ${label}`);
    write(this.answer, `what goes in: it says ${best}${truth}`);
    this.pixels.parentNode.hidden = !pixels;
    if (pixels) {
      const most = Math.max(...pixels.data.map(Math.abs)) || 1;
      paint(this.pixels, pixels.data, SIDE, (value) => diverging(value / most));
      const sum = pixels.data.reduce((total, value) => total + value, 0);
      const exact = linear
        ? `This network is linear, so this is exact: they add up to ${number(sum)}, and with the biases (${number(scores.data[best] - sum)}) to the score.`
        : "Exact only for small changes: the network is not linear.";
      write(
        this.speaks,
        `Light pixels speak for the ${best}, blue ones against it (gradient × input). ${exact}`,
      );
    }
    this.showScores(scores.data, probabilities.data, best);
  }

  showScores(scores, probabilities, best) {
    const [least, most] = [Math.min(...scores), Math.max(...scores)];
    const rows = Array.from(scores, (score, digit) => {
      const before = [number(score), bar((score - least) / (most - least || 1))];
      const after = [percent(probabilities[digit]), bar(probabilities[digit])];
      return tableRow(digit, [before, after], digit === best ? "ml-best" : "");
    });
    const head = headRow(["digit", "score before the softmax", "probability after it"]);
    this.scores.replaceChildren(head, ...rows);
  }

  showLayers({ layers, sum }) {
    const known = layers.map(({ name, why }) => `${name} ${why}`).join();
    if (known !== this.built) this.build(layers);
    this.built = known;
    const room = this.panel.clientWidth;
    layers.forEach((layer, i) => {
      const { item, title, mosaic } = this.shown[i];
      const words = layerWords(layer, i);
      write(title, words);
      const at = sum?.at[0] === i ? sum.at[1] : null;
      if (!layer.why) mosaic.show(layer, words, at, room);
      if (at) this.moveSum(item, room);
    });
    const from = sum?.at[0] === 0 ? pixelWords : placeWords;
    this.sums.show(sum, sum ? `Layer ${sum.at[0] + 1}` : "", from);
  }

  build(layers) {
    this.side.append(this.sums.panel);
    this.shown = layers.map((layer, i) => {
      const mosaic = new Mosaic((place, pressed) => this.choose(place && [i, place], pressed));
      const title = element("p");
      const item = element("li", {}, title, ...(layer.why ? [] : [mosaic.canvas]));
      return { item, title, mosaic };
    });
    this.layers.replaceChildren(...this.shown.map(({ item }) => item));
  }

  /** Choose a value. What was pressed or gone to stays when the mouse moves on. */
  choose(at, pressed) {
    if (this.held && !pressed) return;
    this.held = pressed && at !== null;
    if (at && String(at) !== String(this.at)) this.wish({ at });
  }

  /** Put the sum beside its layer, or where there is no room, below it. */
  moveSum(item, room) {
    const home = room < SIDE_BY_SIDE ? item : this.side;
    if (this.sums.panel.parentNode !== home) home.append(this.sums.panel);
    this.side.style.paddingTop = home === item ? "" : `${item.offsetTop}px`;
  }
}

/** Name a pixel of the image that goes in, flat or not. */
function pixelWords(place) {
  return place.length > 1
    ? placeWords(place.slice(0, 2))
    : placeWords([Math.floor(place[0] / SIDE), place[0] % SIDE]);
}

/** Say what a layer is, how many values it has, and how many of them say nothing. */
function layerWords({ kind, activation, why, shape, most, marks, dropped }, i) {
  const bend =
    activation === "linear" || kind.toLowerCase() === activation ? "" : `, ${activation}`;
  const words = `${i + 1}. ${LAYERS[kind] ?? kind}${bend}`;
  if (why) return `${words}: ${why}`;
  const [high, wide, maps] = shape;
  const size = wide === undefined ? `${high} units` : `${maps ?? 1} maps of ${high} × ${wide}`;
  const count = (mark) => marks?.data.filter((each) => each === mark).length;
  const cut = maps > 64 ? ", the first 64 shown" : "";
  const dead = count(1) ? `, ${count(1)} dead (crossed out)` : "";
  const full = count(2) ? `, ${count(2)} saturated (framed)` : "";
  return `${words}: ${size}${cut}, up to ${most.toPrecision(3)}${dead}${full}${dropped ? `, ${dropped}` : ""}`;
}

const DRAWN = ["the drawn digit (nothing is drawn yet)", "the drawn digit"];
const LAYERS = {
  Conv2D: "Convolution",
  MaxPooling2D: "Max pooling",
  AveragePooling2D: "Average pooling",
  BatchNormalization: "Batch normalisation",
};
