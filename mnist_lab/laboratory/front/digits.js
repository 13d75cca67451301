// From strokes of a pen to 28 x 28 pixels as in MNIST.

import { clamp } from "./page.js";

export const SIDE = 28; // pixels of an image
export const FIELD = 280; // of the field in which is drawn
export const DRAWING = FIELD / 2; // of a drawing that is prepared, and may be kept
const BOX = 20; // pixels that the longer side of a digit is scaled to
const PEN = 12; // half the width of a line, in pixels of the field

/**
 * Draw strokes as pixels from 0 to 1, with smooth borders.
 *
 * @param strokes each with `points`, pairs in pixels of the field; `erasing` if by the rubber
 * @param size side of the image, in pixels
 * @param below the image to draw on, size x size pixels
 */
export function rasterize(strokes, size, below = new Float32Array(size * size)) {
  const ink = Float32Array.from(below);
  const scale = size / FIELD;
  for (const { points, erasing } of strokes) {
    points.forEach((point, i) => {
      const from = points[Math.max(i - 1, 0)];
      const ends = [...from, ...point].map((place) => place * scale);
      inkSegment(ink, size, ends, PEN * scale, erasing);
    });
  }
  return ink;
}

function inkSegment(ink, size, [x0, y0, x1, y1], radius, erasing) {
  const reach = radius + 1;
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  const first = (a, b) => Math.max(Math.floor(Math.min(a, b) - reach), 0);
  const end = (a, b) => Math.min(Math.ceil(Math.max(a, b) + reach), size);
  const [whole, none] = [(radius - 0.5) ** 2, (radius + 0.5) ** 2];
  for (let row = first(y0, y1); row < end(y0, y1); row++) {
    for (let column = first(x0, x1); column < end(x0, x1); column++) {
      const [x, y] = [column + 0.5 - x0, row + 0.5 - y0];
      const along = length ? clamp((x * dx + y * dy) / length) : 0;
      const squared = (x - along * dx) ** 2 + (y - along * dy) ** 2;
      if (squared >= none) continue;
      const covered = squared <= whole ? 1 : radius + 0.5 - Math.sqrt(squared);
      const place = row * size + column;
      if (erasing) ink[place] = Math.min(ink[place], 1 - covered);
      else ink[place] = Math.max(ink[place], covered);
    }
  }
}

/** Reduce a drawing from 0 to 1 to half its side: means of two by two pixels, as bytes. */
export function halved(ink) {
  return Uint8Array.from({ length: DRAWING * DRAWING }, (_, place) => {
    const first = 2 * (FIELD * Math.floor(place / DRAWING) + (place % DRAWING));
    const sum = ink[first] + ink[first + 1] + ink[first + FIELD] + ink[first + FIELD + 1];
    return Math.round((255 * sum) / 4);
  });
}

/**
 * Prepare a drawing like the makers of MNIST (yann.lecun.com/exdb/mnist): scale it to a box of
 * 20 x 20 pixels with its proportions kept, which makes its edges grey, and place it in 28 x 28 so
 * that its centre of mass is at pixel 14, 14 (from 0). MNIST's own digits, enlarged, come out
 * unchanged.
 */
export function prepare(ink, size) {
  const box = boundingBox(ink, size);
  if (!box) return new Float32Array(SIDE * SIDE);
  const scale = BOX / Math.max(box.width, box.height);
  const columns = overlaps(box.left, box.width, scale);
  const rows = overlaps(box.top, box.height, scale);
  const scaled = new Float32Array(SIDE * SIDE);
  rows.forEach((row, r) => {
    const line = new Float64Array(size); // weighted sum of the pixel rows that it covers
    for (const [y, high] of row) {
      for (let x = 0; x < size; x++) line[x] += high * ink[y * size + x];
    }
    columns.forEach((column, c) => {
      let sum = 0;
      for (const [x, wide] of column) sum += wide * line[x];
      scaled[r * SIDE + c] = sum * scale * scale;
    });
  });
  const [x, y] = centreOfMass(scaled);
  return shifted(scaled, Math.round(SIDE / 2 - x), Math.round(SIDE / 2 - y));
}

function boundingBox(ink, size) {
  let [left, right, top, bottom] = [size, -1, size, -1];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (ink[y * size + x] === 0) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  return right < 0 ? null : { left, top, width: right + 1 - left, height: bottom + 1 - top };
}

/** List for each of 28 pixels which pixels of a stretch it covers, and how much of each. */
function overlaps(start, length, scale) {
  const margin = Math.floor((SIDE - length * scale) / 2);
  return Array.from({ length: SIDE }, (_, pixel) => {
    const from = Math.max((pixel - margin) / scale, 0);
    const to = Math.min((pixel + 1 - margin) / scale, length);
    const covered = [];
    for (let i = Math.floor(from); i < to; i++) {
      covered.push([start + i, Math.min(to, i + 1) - Math.max(from, i)]);
    }
    return covered;
  });
}

function centreOfMass(pixels) {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((value, place) => {
    mass += value;
    x += value * (place % SIDE);
    y += value * Math.floor(place / SIDE);
  });
  return [x / mass, y / mass];
}

/** Shift a digit by whole pixels; what leaves the image is lost. */
export function shifted(pixels, right, down) {
  return each((x, y) => pixelAt(pixels, x - right, y - down));
}

/** Make an image of what a function returns for each column and row. */
export function each(pixel) {
  return Float32Array.from({ length: SIDE * SIDE }, (_, place) =>
    pixel(place % SIDE, Math.floor(place / SIDE)),
  );
}

/** Return a pixel's value, black outside of the image. */
export function pixelAt(pixels, x, y) {
  return x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : pixels[y * SIDE + x];
}

/** Return pixels from 0 to 1 as bytes. */
export function asBytes(pixels) {
  return Uint8Array.from(pixels, (value) => Math.round(255 * value));
}

/** Return one image of several. */
export function imageAt({ data }, place) {
  return data.subarray(place * SIDE ** 2, (place + 1) * SIDE ** 2);
}
