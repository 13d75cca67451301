// Ways to spoil a digit of 28 x 28 pixels from 0 to 1: by hand, and those of lab.corrupt.

import { each, pixelAt, SIDE, shifted } from "./digits.js";
import { clamp } from "./page.js";

const CENTRE = (SIDE - 1) / 2;

/** Turn a digit clockwise about the image's centre. */
export function turned(pixels, degrees) {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return sampled(pixels, (x, y) => [cos * x + sin * y, cos * y - sin * x]);
}

/** Thicken a digit's lines: each pixel gets at least 0.6 times the ink of its neighbours. */
export function thickened(pixels) {
  return each((x, y) => {
    const around = [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]; // biome-ignore format: pairs
    const most = Math.max(...around.map(([column, row]) => pixelAt(pixels, column, row)));
    return Math.max(pixelAt(pixels, x, y), 0.6 * most);
  });
}

/** Spoil a digit by the changes of `UNSPOILT`, in this order. */
export function spoil(pixels, { thickness, angle, right, down, kind, strength, inverted }) {
  let image = pixels;
  for (let i = 0; i < thickness; i++) image = thickened(image);
  for (let i = 0; i > thickness; i--) image = negative(thickened(negative(image)));
  if (angle) image = turned(image, angle);
  image = shifted(image, right, down);
  if (strength) image = corrupted(image, kind, strength);
  return inverted ? negative(image) : image;
}

export const UNSPOILT = {
  thickness: 0,
  angle: 0,
  right: 0,
  down: 0,
  kind: "noise",
  strength: 0,
  inverted: false,
};

/** Describe the changes to a digit in words. */
export function inWords({ thickness, angle, right, down, kind, strength, inverted }) {
  const words = [];
  if (thickness) words.push(`${thickness > 0 ? "thicker" : "thinner"} × ${Math.abs(thickness)}`);
  if (angle) words.push(`turned ${Math.abs(angle)}° ${angle > 0 ? "right" : "left"}`);
  if (right) words.push(`moved ${Math.abs(right)} ${right > 0 ? "right" : "left"}`);
  if (down) words.push(`moved ${Math.abs(down)} ${down > 0 ? "down" : "up"}`);
  if (strength) words.push(`${kind} × ${strength}`);
  if (inverted) words.push("inverted");
  return words.join(", ");
}

// For each kind its function, and how much of it strengths 1 to 5 are; as in corruptions.py.
const CORRUPTIONS = {
  noise: [counted, [24, 12, 6, 3, 2]],
  blur: [blurred, [1, 1.4, 1.8, 2.2, 2.6]],
  stripe: [striped, [1, 2, 3, 4, 5]],
  scale: [reduced, [0.9, 0.8, 0.7, 0.6, 0.5]],
  shear: [slanted, [0.2, 0.4, 0.6, 0.8, 1]],
  shift: [displaced, [1, 2, 3, 4, 5]],
  brightness: [brightened, [0.05, 0.1, 0.2, 0.3, 0.4]],
  fog: [fogged, [0.2, 0.4, 0.7, 1, 1.5]],
};
export const KINDS = Object.keys(CORRUPTIONS);

/** Spoil a digit as `lab.corrupt(image, kind, strength)` does, with the same random numbers. */
export function corrupted(pixels, kind, strength) {
  const [change, amounts] = CORRUPTIONS[kind];
  return change(pixels, amounts[strength - 1], generator(0)).map((value) => clamp(value));
}

function counted(pixels, photons, random) {
  const dark = 0.2;
  return pixels.map((value) => {
    const mean = photons * (value + dark);
    const chance = random();
    let term = Math.exp(-mean);
    let count = 0;
    for (let below = term; chance > below; below += term) {
      count += 1;
      term *= mean / count;
    }
    return count / photons - dark;
  });
}

function blurred(pixels, deviation) {
  const weight = (away) => Math.exp(-(away ** 2) / (2 * deviation ** 2));
  const places = Array.from({ length: SIDE }, (_, place) => place);
  const total = places.reduce((sum, place) => sum + weight(place - SIDE / 2), 0);
  const mean = (at, value) =>
    places.reduce((sum, place) => sum + weight(place - at) * value(place), 0) / total;
  const rows = each((x, y) => mean(x, (place) => pixelAt(pixels, place, y)));
  return each((x, y) => mean(y, (place) => pixelAt(rows, x, place)));
}

function striped(pixels, width) {
  const first = Math.floor((SIDE - width) / 2);
  const inside = (place) => place % SIDE >= first && place % SIDE < first + width;
  return pixels.map((value, place) => (inside(place) ? 1 - value : value));
}

function reduced(pixels, size) {
  return sampled(pixels, (x, y) => [x / size, y / size]);
}

function slanted(pixels, slope, random) {
  const side = random() < 0.5 ? -1 : 1;
  return sampled(pixels, (x, y) => [x + side * slope * y, y]);
}

function displaced(pixels, distance, random) {
  const turn = 2 * Math.PI * random();
  return shifted(
    pixels,
    Math.round(distance * Math.cos(turn)),
    Math.round(distance * Math.sin(turn)),
  );
}

function brightened(pixels, more) {
  return pixels.map((value) => value + more);
}

function fogged(pixels, density, random) {
  const grids = [3, 5, 9].map((size) => [size, Array.from({ length: size ** 2 }, random)]);
  const field = each((x, y) =>
    grids.reduce((sum, [size, numbers]) => sum + onGrid(numbers, size, x, y) / (size - 1), 0),
  );
  const [lowest, highest] = [Math.min(...field), Math.max(...field)];
  const fog = (place) => (field[place] - lowest) / (highest - lowest);
  return pixels.map((value, place) => (value + density * fog(place)) / (1 + density));
}

/** Return a grid's value at a pixel, linear between its points; its ends are the image's. */
function onGrid(numbers, size, x, y) {
  const [across, down] = [x, y].map((place) => (place * (size - 1)) / (SIDE - 1));
  const weight = (point, place) => Math.max(1 - Math.abs(place - point), 0);
  return numbers.reduce((sum, number, i) => {
    return sum + weight(i % size, across) * weight(Math.floor(i / size), down) * number;
  }, 0);
}

/** Take each pixel from a place of the image, both given from the centre. */
function sampled(pixels, place) {
  return each((column, row) => {
    const [x, y] = place(column - CENTRE, row - CENTRE);
    return between(pixels, x + CENTRE, y + CENTRE);
  });
}

function between(pixels, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, down] = [x - left, y - top];
  const row = (number) =>
    (1 - right) * pixelAt(pixels, left, number) + right * pixelAt(pixels, left + 1, number);
  return (1 - down) * row(top) + down * row(top + 1);
}

function negative(pixels) {
  return pixels.map((value) => 1 - value);
}

/** Return a generator of random numbers from 0 to 1 (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
