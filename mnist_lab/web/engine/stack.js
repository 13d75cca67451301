// The layers of a network in the engine's memory, one upon the other: their values and gradients.

import { dropoutMask } from "./random.js";

const WINDOW = 5; // side of a convolution's, in pixels
const BORDER = 2; // as in engine.ts
const PIXELS = 784;
const ROW = 28; // pixels
const BYTES = 4; // of a number

/** Round up to a multiple of four: so many numbers does a row take in the memory. */
function wide(count) {
  return 4 * Math.ceil(count / 4);
}

/** Return the number of values of an array. */
export function sizeOf(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

/** Layers, to be added from the image up; each method that adds one puts it on top of the last. */
export class Stack {
  constructor(place, room) {
    Object.assign(this, { place, room, compute: place.compute });
    this.variables = [];
    this.layers = [];
    this.draws = []; // of the initial weights, in Keras' order
    this.pixels = place.allocate(room * PIXELS);
    this.factor = 0; // the largest of a product, in numbers: products sort theirs before
    this.dropouts = 0;
  }

  /** Take room for the products: nothing may be added any more. */
  close() {
    this.panels = this.#allocate(this.factor);
  }

  /** Compute the outputs of some images: rows of `images`. With a `moment`, units are dropped. */
  forward(images, rows, moment) {
    const pixels = this.place.bytes(this.pixels, rows.length * PIXELS);
    rows.forEach((row, i) => {
      pixels.set(images.subarray(row * PIXELS, (row + 1) * PIXELS), i * PIXELS);
    });
    for (const layer of this.layers) layer.forward(rows.length, moment);
  }

  /** Add the gradients of so many images to those of the weights. */
  backward(count) {
    for (const layer of this.layers.toReversed()) layer.backward?.(count);
  }

  /** Begin the gradients anew. */
  clear() {
    for (const { gradients, size } of this.variables) this.#floats(gradients, size).fill(0);
  }

  /** Return an image's outputs, or their gradients, in the memory. */
  outputs(image, kind = "values") {
    const { top } = this;
    return this.#floats(top[kind] + BYTES * image * top.width, top.inputs);
  }

  /** Call a function with each row of a variable: in an array without gaps, and in the memory. */
  eachRow({ groups, rows, columns, values, size }, array, copy) {
    const inMemory = this.#floats(values, size);
    const [high, broad] = [rows === 1 ? 1 : wide(rows), wide(columns)];
    for (let i = 0; i < groups * rows; i++) {
      const start = broad * (Math.floor(i / rows) * high + (i % rows));
      const own = array.subarray(i * columns, (i + 1) * columns);
      copy(own, inMemory.subarray(start, start + columns));
    }
  }

  /** Begin with the pixels of an image, in a row. */
  addPixels() {
    const values = this.#allocate(this.room * PIXELS);
    this.layers.push({
      forward: (count) => this.compute.scale(this.pixels, values, count, PIXELS, BYTES * PIXELS),
    });
    this.top = { values, groups: 1, inputs: PIXELS, width: PIXELS };
  }

  /** Begin with the pixels of an image, in rows with a border around them. */
  addImage() {
    const side = ROW + 2 * BORDER;
    const values = this.#allocate(this.room * side ** 2);
    const inner = values + BYTES * BORDER * (side + 1);
    this.layers.push({
      forward: (count) => {
        for (let i = 0; i < count; i++) {
          const to = inner + BYTES * i * side ** 2;
          this.compute.scale(this.pixels + i * PIXELS, to, ROW, ROW, BYTES * side);
        }
      },
    });
    this.top = { values, side: ROW, channels: 1 };
  }

  addDense(units, drawKernel, drawBias) {
    const { compute, room, top } = this;
    const kernel = this.#addVariable([top.groups * top.inputs, units], top.groups, drawKernel);
    const bias = this.#addVariable([units], 1, drawBias);
    const width = wide(units);
    const [values, gradients] = [this.#allocate(room * width), this.#allocate(room * width)];
    this.factor = Math.max(this.factor, width * Math.max(top.width, room));
    const own = (kind) => [kernel[kind], bias[kind]];
    const sizes = (count) => [count, top.width, width, this.panels];
    this.layers.push({
      forward: (count) => compute.dense(top.values, ...own("values"), values, ...sizes(count)),
      backward: (count) => {
        compute.denseGradients(top.values, gradients, ...own("gradients"), ...sizes(count));
        if (!top.gradients) return;
        compute.denseBack(gradients, kernel.values, top.gradients, ...sizes(count));
      },
    });
    this.top = { values, gradients, groups: 1, inputs: units, width };
  }

  addRelu() {
    const { values, gradients, width } = this.top;
    this.layers.push({
      forward: (count) => this.compute.relu(values, count * width),
      backward: (count) => this.compute.reluBack(values, gradients, count * width),
    });
  }

  addDropout(rate) {
    const { values, gradients, inputs: units, width } = this.top;
    const call = this.dropouts++;
    const factors = this.#allocate(this.room * width);
    let kept; // of all images of an iteration
    this.draws.push((random) => void random.randint(1, 1e9)); // Keras' layer draws a seed, too
    this.layers.push({
      forward: (count, moment) => {
        if (!moment) return;
        const { key, step, first, images } = moment;
        if (first === 0) kept = dropoutMask(key, step, call, images * units, rate);
        const inMemory = this.#floats(factors, count * width);
        for (let i = 0; i < count; i++) {
          for (let unit = 0; unit < units; unit++) {
            inMemory[i * width + unit] = kept[(first + i) * units + unit] / (1 - rate);
          }
        }
        this.compute.drop(values, factors, count * width);
      },
      backward: (count) => this.compute.drop(gradients, factors, count * width),
    });
  }

  /** Add a convolution, a ReLU and max pooling; `last` leaves out the border for another window. */
  addConvolution(filters, drawKernel, drawBias, last) {
    const { compute, room, top } = this;
    const { side, channels } = top;
    const kernel = this.#addVariable([WINDOW, WINDOW, channels, filters], WINDOW ** 2, drawKernel);
    const bias = this.#addVariable([filters], 1, drawBias);
    const [deep, width] = [channels === 1 ? 1 : wide(channels), wide(filters)];
    const image = side ** 2 * width;
    const y = this.#allocate(room * image);
    const gradients = this.#allocate((room * image) / 4);
    const around = this.#allocate((side + 2 * BORDER) ** 2 * width);
    const border = last ? 0 : BORDER;
    const half = side / 2 + 2 * border;
    const values = this.#allocate(room * half ** 2 * width);
    const inner = values + BYTES * width * border * (half + 1);
    this.factor = Math.max(this.factor, WINDOW ** 2 * deep * width, image);
    const own = (kind) => [kernel[kind], bias[kind]];
    const sizes = (count) => [count, side, deep, width, this.panels];
    const pooling = (count) => [count, side, width, BYTES * width * half, 2 * border];
    this.layers.push({
      forward: (count) => {
        compute.convolution(top.values, ...own("values"), y, ...sizes(count));
        compute.relu(y, count * image);
        compute.pool(y, inner, ...pooling(count));
      },
      backward: (count) => {
        compute.poolBack(y, inner, gradients, ...pooling(count)); // now `y` is its gradient
        compute.convolutionGradients(top.values, y, ...own("gradients"), ...sizes(count));
        if (!top.gradients) return;
        compute.convolutionBack(y, kernel.values, top.gradients, ...sizes(count), around);
      },
    });
    const flat = { groups: half ** 2, inputs: filters, width: half ** 2 * width };
    this.top = { values, gradients, side: side / 2, channels: filters, ...flat };
  }

  #addVariable(shape, groups, draw) {
    const columns = shape.at(-1);
    const rows = sizeOf(shape) / columns / groups;
    const size = groups * (rows === 1 ? 1 : wide(rows)) * wide(columns);
    const [values, gradients] = [this.#allocate(size), this.#allocate(size)];
    const variable = { shape, groups, rows, columns, size, values, gradients };
    this.variables.push(variable);
    this.draws.push((random) => draw(random, shape));
    return variable;
  }

  #floats(address, count) {
    return this.place.floats(address, count);
  }

  #allocate(count) {
    return this.place.allocate(BYTES * count);
  }
}
