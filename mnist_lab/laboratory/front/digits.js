// From strokes of a pen to 28 x 28 pixels as in MNIST, and ways to spoil a digit.

export const SIDE = 28; // pixels of an image
export const FIELD = 280; // of the field in which is drawn
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

/** Turn a digit clockwise about the image's centre. */
export function turned(pixels, degrees) {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const middle = (SIDE - 1) / 2;
  return each((column, row) => {
    const [x, y] = [column - middle, row - middle];
    return between(pixels, cos * x + sin * y + middle, cos * y - sin * x + middle);
  });
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
export function spoil(pixels, { thickness, angle, right, down, noise, inverted }) {
  const invert = (image) => image.map((value) => 1 - value);
  let image = pixels;
  for (let i = 0; i < thickness; i++) image = thickened(image);
  for (let i = 0; i > thickness; i--) image = invert(thickened(invert(image)));
  if (angle) image = turned(image, angle);
  image = shifted(image, right, down);
  const random = generator(1); // the same noise each time, more or less of it
  image = image.map((value) => clamp(value + 0.2 * noise * (2 * random() - 1)));
  return inverted ? invert(image) : image;
}

export const UNSPOILT = { thickness: 0, angle: 0, right: 0, down: 0, noise: 0, inverted: false };

/** Describe the changes to a digit in words. */
export function inWords({ thickness, angle, right, down, noise, inverted }) {
  const words = [];
  if (thickness) words.push(`${thickness > 0 ? "thicker" : "thinner"} × ${Math.abs(thickness)}`);
  if (angle) words.push(`turned ${Math.abs(angle)}° ${angle > 0 ? "right" : "left"}`);
  if (right) words.push(`moved ${Math.abs(right)} ${right > 0 ? "right" : "left"}`);
  if (down) words.push(`moved ${Math.abs(down)} ${down > 0 ? "down" : "up"}`);
  if (noise) words.push(`noise × ${noise}`);
  if (inverted) words.push("inverted");
  return words.join(", ");
}

function each(pixel) {
  return Float32Array.from({ length: SIDE * SIDE }, (_, place) =>
    pixel(place % SIDE, Math.floor(place / SIDE)),
  );
}

function pixelAt(pixels, x, y) {
  return x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : pixels[y * SIDE + x];
}

function between(pixels, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, down] = [x - left, y - top];
  const row = (number) =>
    (1 - right) * pixelAt(pixels, left, number) + right * pixelAt(pixels, left + 1, number);
  return (1 - down) * row(top) + down * row(top + 1);
}

function clamp(value) {
  return Math.min(Math.max(value, 0), 1);
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
