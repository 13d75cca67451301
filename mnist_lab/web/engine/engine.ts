// The arithmetic of a training, for WebAssembly with 128-bit SIMD; `npm run engine` compiles it.
//
// Matrices are float32 in rows; a row is as long as a multiple of four, with zeros behind its
// values. Arguments are addresses, counts of values, and strides in bytes. Who calls owns the
// memory.

const SIZE: usize = 4; // bytes of a value
const SIDE: usize = 5; // of a convolution's window, in pixels
const BORDER: usize = 2; // pixels of zeros around an image, so that a window may reach beyond it

/** Scale bytes to values from 0 to 1, in rows of `width` that lie `stride` bytes apart. */
export function scale(bytes: usize, out: usize, rows: usize, width: usize, stride: usize): void {
  const white = f32x4.splat(255);
  for (let row: usize = 0; row < rows; row++, out += stride) {
    for (let i: usize = 0; i < width; i += 4, bytes += 4) {
      const short = i16x8.extend_low_i8x16_u(v128.load32_zero(bytes));
      const value = f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(short));
      v128.store(out + i * SIZE, f32x4.div(value, white));
    }
  }
}

/**
 * Copy a matrix into panels of eight columns, the last of four if need be, each row after row.
 * `height` is the number of rows of a whole panel.
 */
function pack(
  b: usize,
  down: usize,
  right: usize,
  rows: usize,
  columns: usize,
  out: usize,
  height: usize,
): void {
  for (let first: usize = 0; first < columns; first += 8) {
    const width = min<usize>(8, columns - first);
    let to = out + first * height * SIZE;
    for (let row: usize = 0; row < rows; row++) {
      let from = b + row * down + first * right;
      for (let i: usize = 0; i < width; i++, from += right, to += SIZE) {
        store<f32>(to, load<f32>(from));
      }
    }
  }
}

/**
 * Add the product of a matrix and packed panels to a matrix.
 *
 * A row's values lie `right` bytes apart. They are `runs` runs of `length` values, one starting
 * `jump` bytes behind the end of the other: a convolution multiplies images in place.
 */
function multiply(
  a: usize,
  down: usize,
  right: usize,
  runs: usize,
  length: usize,
  jump: usize,
  panels: usize,
  c: usize,
  stride: usize,
  rows: usize,
  columns: usize,
): void {
  const height = runs * length;
  for (let first: usize = 0; first < columns; first += 8) {
    const panel = panels + first * height * SIZE;
    for (let row: usize = 0; row < rows; row += 4) {
      const from = a + row * down;
      const to = c + row * stride + first * SIZE;
      const left = rows - row - 1;
      if (columns - first > 4) {
        tile8(from, down, left, right, runs, length, jump, panel, to, stride);
      } else {
        tile4(from, down, left, right, runs, length, jump, panel, to, stride);
      }
    }
  }
}

/** Return `sum + a * b`. */
function plus(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/**
 * Add the product of four rows and a panel of eight columns, which is summed up by itself: small
 * terms are not lost in a large sum. Where no more than `left` rows follow the first, the last is
 * computed, and stored, again.
 */
function tile8(
  a: usize,
  down: usize,
  left: usize,
  right: usize,
  runs: usize,
  length: usize,
  jump: usize,
  b: usize,
  c: usize,
  stride: usize,
): void {
  const row1 = min<usize>(1, left);
  const row2 = min<usize>(2, left);
  const row3 = min<usize>(3, left);
  let a0 = a;
  let a1 = a + row1 * down;
  let a2 = a + row2 * down;
  let a3 = a + row3 * down;
  let x0 = f32x4.splat(0);
  let y0 = f32x4.splat(0);
  let x1 = f32x4.splat(0);
  let y1 = f32x4.splat(0);
  let x2 = f32x4.splat(0);
  let y2 = f32x4.splat(0);
  let x3 = f32x4.splat(0);
  let y3 = f32x4.splat(0);
  for (let run: usize = 0; run < runs; run++) {
    for (let i: usize = 0; i < length; i++) {
      const bx = v128.load(b);
      const by = v128.load(b, 16);
      let value = v128.load32_splat(a0);
      x0 = plus(x0, value, bx);
      y0 = plus(y0, value, by);
      value = v128.load32_splat(a1);
      x1 = plus(x1, value, bx);
      y1 = plus(y1, value, by);
      value = v128.load32_splat(a2);
      x2 = plus(x2, value, bx);
      y2 = plus(y2, value, by);
      value = v128.load32_splat(a3);
      x3 = plus(x3, value, bx);
      y3 = plus(y3, value, by);
      a0 += right;
      a1 += right;
      a2 += right;
      a3 += right;
      b += 8 * SIZE;
    }
    a0 += jump;
    a1 += jump;
    a2 += jump;
    a3 += jump;
  }
  const c1 = c + row1 * stride;
  const c2 = c + row2 * stride;
  const c3 = c + row3 * stride;
  x0 = f32x4.add(x0, v128.load(c));
  y0 = f32x4.add(y0, v128.load(c, 16));
  x1 = f32x4.add(x1, v128.load(c1));
  y1 = f32x4.add(y1, v128.load(c1, 16));
  x2 = f32x4.add(x2, v128.load(c2));
  y2 = f32x4.add(y2, v128.load(c2, 16));
  x3 = f32x4.add(x3, v128.load(c3));
  y3 = f32x4.add(y3, v128.load(c3, 16));
  v128.store(c, x0);
  v128.store(c, y0, 16);
  v128.store(c1, x1);
  v128.store(c1, y1, 16);
  v128.store(c2, x2);
  v128.store(c2, y2, 16);
  v128.store(c3, x3);
  v128.store(c3, y3, 16);
}

/** Add the product of four rows and a panel of four columns; see `tile8`. */
function tile4(
  a: usize,
  down: usize,
  left: usize,
  right: usize,
  runs: usize,
  length: usize,
  jump: usize,
  b: usize,
  c: usize,
  stride: usize,
): void {
  const row1 = min<usize>(1, left);
  const row2 = min<usize>(2, left);
  const row3 = min<usize>(3, left);
  let a0 = a;
  let a1 = a + row1 * down;
  let a2 = a + row2 * down;
  let a3 = a + row3 * down;
  let x0 = f32x4.splat(0);
  let x1 = f32x4.splat(0);
  let x2 = f32x4.splat(0);
  let x3 = f32x4.splat(0);
  for (let run: usize = 0; run < runs; run++) {
    for (let i: usize = 0; i < length; i++) {
      const bx = v128.load(b);
      let value = v128.load32_splat(a0);
      x0 = plus(x0, value, bx);
      value = v128.load32_splat(a1);
      x1 = plus(x1, value, bx);
      value = v128.load32_splat(a2);
      x2 = plus(x2, value, bx);
      value = v128.load32_splat(a3);
      x3 = plus(x3, value, bx);
      a0 += right;
      a1 += right;
      a2 += right;
      a3 += right;
      b += 4 * SIZE;
    }
    a0 += jump;
    a1 += jump;
    a2 += jump;
    a3 += jump;
  }
  const c1 = c + row1 * stride;
  const c2 = c + row2 * stride;
  const c3 = c + row3 * stride;
  x0 = f32x4.add(x0, v128.load(c));
  x1 = f32x4.add(x1, v128.load(c1));
  x2 = f32x4.add(x2, v128.load(c2));
  x3 = f32x4.add(x3, v128.load(c3));
  v128.store(c, x0);
  v128.store(c1, x1);
  v128.store(c2, x2);
  v128.store(c3, x3);
}

/** Write the bias into every row. */
function fillRows(bias: usize, out: usize, rows: usize, columns: usize): void {
  const bytes = columns * SIZE;
  for (let row: usize = 0; row < rows; row++) memory.copy(out + row * bytes, bias, bytes);
}

/** Add up the rows of a matrix, by hundreds: small terms are not lost in a large sum. They are added. */
function sumRows(values: usize, out: usize, rows: usize, columns: usize): void {
  const width = columns * SIZE;
  for (let first: usize = 0; first < rows; first += 100) {
    const end = values + min<usize>(100, rows - first) * width;
    for (let column: usize = 0; column < width; column += 16) {
      let sum = f32x4.splat(0);
      for (let from = values + column; from < end; from += width) {
        sum = f32x4.add(sum, v128.load(from));
      }
      v128.store(out + column, f32x4.add(sum, v128.load(out + column)));
    }
    values = end;
  }
}

/** Compute a dense layer: `y = x · kernel + bias`. */
export function dense(
  x: usize,
  kernel: usize,
  bias: usize,
  y: usize,
  images: usize,
  inputs: usize,
  units: usize,
  panels: usize,
): void {
  const width = units * SIZE;
  fillRows(bias, y, images, units);
  pack(kernel, width, SIZE, inputs, units, panels, inputs);
  multiply(x, inputs * SIZE, SIZE, 1, inputs, 0, panels, y, width, images, units);
}

/** Add to the gradients of a dense layer's kernel and bias, from that of its output. */
export function denseGradients(
  x: usize,
  dy: usize,
  dKernel: usize,
  dBias: usize,
  images: usize,
  inputs: usize,
  units: usize,
  panels: usize,
): void {
  const width = units * SIZE;
  sumRows(dy, dBias, images, units);
  pack(dy, width, SIZE, images, units, panels, images);
  multiply(x, SIZE, inputs * SIZE, 1, images, 0, panels, dKernel, width, inputs, units);
}

/** Compute the gradient of a dense layer's input from that of its output. */
export function denseBack(
  dy: usize,
  kernel: usize,
  dx: usize,
  images: usize,
  inputs: usize,
  units: usize,
  panels: usize,
): void {
  memory.fill(dx, 0, images * inputs * SIZE);
  pack(kernel, SIZE, units * SIZE, units, inputs, panels, units);
  multiply(dy, units * SIZE, SIZE, 1, units, 0, panels, dx, inputs * SIZE, images, inputs);
}

/** Bytes from one row of an image with its border to the next. */
function rowOf(side: usize, channels: usize): usize {
  return (side + 2 * BORDER) * channels * SIZE;
}

/** Add to each image's pixels what the windows around them say; `x` has borders, and `y` has not. */
function slide(
  x: usize,
  panels: usize,
  y: usize,
  images: usize,
  side: usize,
  channels: usize,
  filters: usize,
): void {
  const down = rowOf(side, channels);
  const length = SIDE * channels;
  const jump = down - length * SIZE;
  const width = filters * SIZE;
  for (let image: usize = 0; image < images; image++) {
    for (let row: usize = 0; row < side; row++, x += down, y += side * width) {
      multiply(x, channels * SIZE, SIZE, SIDE, length, jump, panels, y, width, side, filters);
    }
    x += 2 * BORDER * down;
  }
}

/** Compute a convolution, "same"; `x` has borders, and `y` has not. */
export function convolution(
  x: usize,
  kernel: usize,
  bias: usize,
  y: usize,
  images: usize,
  side: usize,
  channels: usize,
  filters: usize,
  panels: usize,
): void {
  const height = SIDE * SIDE * channels;
  fillRows(bias, y, images * side * side, filters);
  pack(kernel, filters * SIZE, SIZE, height, filters, panels, height);
  slide(x, panels, y, images, side, channels, filters);
}

/** Add to the gradients of a convolution's kernel and bias, from that of its output. */
export function convolutionGradients(
  x: usize,
  dy: usize,
  dKernel: usize,
  dBias: usize,
  images: usize,
  side: usize,
  channels: usize,
  filters: usize,
  panels: usize,
): void {
  const down = rowOf(side, channels);
  const rows = SIDE * channels; // of the kernel, for each row of the window
  const pixel = channels * SIZE;
  const width = filters * SIZE;
  sumRows(dy, dBias, images * side * side, filters);
  for (let image: usize = 0; image < images; image++) {
    pack(dy, width, SIZE, side * side, filters, panels, side * side);
    for (let row: usize = 0; row < SIDE; row++) {
      multiply(
        x + row * down,
        SIZE,
        pixel,
        side,
        side,
        2 * BORDER * pixel,
        panels,
        dKernel + row * rows * width,
        width,
        rows,
        filters,
      );
    }
    x += (side + 2 * BORDER) * down;
    dy += side * side * width;
  }
}

/**
 * Compute the gradient of a convolution's input: the output's is convolved with the kernel turned
 * by half a turn. `bordered` has room for one image's, and zeros around it.
 */
export function convolutionBack(
  dy: usize,
  kernel: usize,
  dx: usize,
  images: usize,
  side: usize,
  channels: usize,
  filters: usize,
  panels: usize,
  bordered: usize,
): void {
  const taps = SIDE * SIDE;
  const width = filters * SIZE;
  for (let tap: usize = 0; tap < taps; tap++) {
    const from = kernel + (taps - 1 - tap) * channels * width;
    for (let first: usize = 0; first < channels; first += 8) {
      const wide = min<usize>(8, channels - first);
      const to = panels + (first * taps * filters + tap * filters * wide) * SIZE;
      pack(from + first * width, SIZE, width, filters, wide, to, 0);
    }
  }
  memory.fill(dx, 0, images * side * side * channels * SIZE);
  const down = rowOf(side, filters);
  const inner = bordered + BORDER * down + BORDER * width;
  for (let image: usize = 0; image < images; image++, dx += side * side * channels * SIZE) {
    for (let row: usize = 0; row < side; row++, dy += side * width) {
      memory.copy(inner + row * down, dy, side * width);
    }
    slide(bordered, panels, dx, 1, side, filters, channels);
  }
}

/** Replace what is below zero by zero. */
export function relu(values: usize, count: usize): void {
  const zero = f32x4.splat(0);
  for (const end = values + count * SIZE; values < end; values += 16) {
    v128.store(values, f32x4.max(v128.load(values), zero));
  }
}

/** Let only those gradients pass whose unit was above zero. */
export function reluBack(values: usize, gradients: usize, count: usize): void {
  const zero = f32x4.splat(0);
  for (const end = values + count * SIZE; values < end; values += 16, gradients += 16) {
    const above = f32x4.gt(v128.load(values), zero);
    v128.store(gradients, v128.and(v128.load(gradients), above));
  }
}

/** Multiply values by factors: those of a dropout mask, in either direction. */
export function drop(values: usize, factors: usize, count: usize): void {
  for (const end = values + count * SIZE; values < end; values += 16, factors += 16) {
    v128.store(values, f32x4.mul(v128.load(values), v128.load(factors)));
  }
}

/**
 * Take the largest of each two by two pixels. The result's rows are `stride` bytes apart, and
 * `border` more rows lie between one image and the next.
 */
export function pool(
  x: usize,
  y: usize,
  images: usize,
  side: usize,
  channels: usize,
  stride: usize,
  border: usize,
): void {
  const pixel = channels * SIZE;
  const down = side * pixel;
  for (let image: usize = 0; image < images; image++, y += border * stride) {
    for (let row: usize = 0; row < side; row += 2, x += down, y += stride) {
      for (let to = y, column: usize = 0; column < side; column += 2, x += pixel) {
        for (let i: usize = 0; i < pixel; i += 16, x += 16, to += 16) {
          const upper = f32x4.max(v128.load(x), v128.load(x + pixel));
          const lower = f32x4.max(v128.load(x + down), v128.load(x + down + pixel));
          v128.store(to, f32x4.max(upper, lower));
        }
      }
    }
  }
}

/**
 * Pass each window's gradient to its largest pixel, the first among equal ones, and through the
 * ReLU before; it takes the pixel's place. The pooled values `y` lie as in `pool`, their gradients
 * without gaps.
 */
export function poolBack(
  x: usize,
  y: usize,
  dy: usize,
  images: usize,
  side: usize,
  channels: usize,
  stride: usize,
  border: usize,
): void {
  const pixel = channels * SIZE;
  const down = side * pixel;
  const zero = f32x4.splat(0);
  for (let image: usize = 0; image < images; image++, y += border * stride) {
    for (let row: usize = 0; row < side; row += 2, x += down, y += stride) {
      for (let from = y, column: usize = 0; column < side; column += 2, x += pixel) {
        for (let i: usize = 0; i < pixel; i += 16, x += 16, from += 16, dy += 16) {
          const largest = v128.load(from);
          let rest = v128.and(v128.load(dy), f32x4.gt(largest, zero));
          for (let place: usize = 0; place < 4; place++) {
            const at = x + (place >> 1) * down + (place & 1) * pixel;
            const found = f32x4.eq(v128.load(at), largest);
            v128.store(at, v128.and(rest, found));
            rest = v128.andnot(rest, found);
          }
        }
      }
    }
  }
}

/** Take a step of stochastic gradient descent. */
export function sgd(values: usize, gradients: usize, count: usize, rate: f32): void {
  const step = f32x4.splat(rate);
  for (const end = values + count * SIZE; values < end; values += 16, gradients += 16) {
    v128.store(values, f32x4.sub(v128.load(values), f32x4.mul(step, v128.load(gradients))));
  }
}

/** Take a step of Adam; the rate is already corrected for the moments' zero start. */
export function adam(
  values: usize,
  gradients: usize,
  means: usize,
  squares: usize,
  count: usize,
  rate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
): void {
  const step = f32x4.splat(rate),
    tiny = f32x4.splat(epsilon);
  const share1 = f32x4.splat(1 - beta1),
    share2 = f32x4.splat(1 - beta2);
  for (const end = values + count * SIZE; values < end; values += 16) {
    const gradient = v128.load(gradients);
    let mean = v128.load(means),
      square = v128.load(squares);
    mean = f32x4.add(mean, f32x4.mul(f32x4.sub(gradient, mean), share1));
    const news = f32x4.sub(f32x4.mul(gradient, gradient), square);
    square = f32x4.add(square, f32x4.mul(news, share2));
    const change = f32x4.div(f32x4.mul(mean, step), f32x4.add(f32x4.sqrt(square), tiny));
    v128.store(values, f32x4.sub(v128.load(values), change));
    v128.store(means, mean);
    v128.store(squares, square);
    gradients += 16;
    means += 16;
    squares += 16;
  }
}
