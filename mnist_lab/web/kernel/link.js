// The settings in the page's address, such as #cnn&rate=0.01&seed=3.

import { Setup } from "./setup.js";

export const CHOICES = [10_000, 60_000]; // training images
const MOST_CHARACTERS = 500; // characters that are looked at
const NUMBER = /^\d{1,9}(\.\d{1,9})?(e-\d)?$/;
const SHORT = {
  learning_rate: "rate",
  hidden_units: "units",
  filters: "filters",
  dropout: "dropout",
  loss: "loss",
  epochs: "epochs",
  batch_size: "batch",
  seed: "seed",
};
const LOSSES = { 2020: "clipped", today: "categorical_crossentropy" };

/** Write what differs from the sheet, and the number of images where it is not the first choice. */
export function linkOf(setup, images) {
  const settings = setup.changed.map((key) => `${SHORT[key]}=${written(key, setup.values[key])}`);
  const count = images === CHOICES[0] ? [] : [`images=${images}`];
  return [setup.part, ...settings, ...count].join("&");
}

/**
 * Read settings: a setup, the number of images, and as plain text what was not understood and is
 * left out. The address is data that anybody may have written.
 */
export function readLink(text, figures, part) {
  const pieces = text.slice(0, MOST_CHARACTERS).replace(/^#/, "").split("&").filter(Boolean);
  const own = Object.hasOwn(figures.parts, pieces[0] ?? "");
  let setup = Setup.ofSheet(figures, own ? pieces.shift() : part);
  let images = CHOICES[0];
  const ignored = [];
  for (const piece of pieces) {
    try {
      const [name, value] = split(piece);
      if (name === "images" && CHOICES.includes(Number(value))) images = Number(value);
      else setup = setup.moved(setting(name, value));
    } catch {
      ignored.push(piece);
    }
  }
  return { setup, images, ignored };
}

/** Say what of an address was left out, if anything was. */
export function ignoredWords(ignored) {
  const listed = ignored.slice(0, 3).map((piece) => `“${piece.slice(0, 40)}”`);
  const more = ignored.length > listed.length ? " and more" : "";
  return listed.length ? `The address has ${listed.join(", ")}${more}, which is left out.` : "";
}

function split(piece) {
  const place = piece.indexOf("=");
  return [piece.slice(0, place), decodeURIComponent(piece.slice(place + 1))];
}

function setting(name, value) {
  const key = Object.keys(SHORT).find((each) => SHORT[each] === name);
  return { [key]: read(key, value) };
}

function read(key, value) {
  if (key === "loss") return Object.hasOwn(LOSSES, value) ? LOSSES[value] : value;
  const numbers = value.split(",").map((each) => (NUMBER.test(each) ? Number(each) : Number.NaN));
  return key === "filters" ? numbers : numbers.length > 1 ? Number.NaN : numbers[0];
}

function written(key, value) {
  if (key === "loss") return Object.keys(LOSSES).find((name) => LOSSES[name] === value);
  return String(value);
}
