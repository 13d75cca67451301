// The lab's networks as plain layers, computed for one image at a time: every layer's values, and
// what a value is computed from. It follows mnist_lab/layers.py.

const MOST_TERMS = 10; // terms of a sum that are listed; the others are added up
const MOVING = ["Flatten"];
const PASSING = ["Dropout", "RandomRotation", "RandomTranslation", "RandomZoom"];
const LINEAR = [...MOVING, ...PASSING, "Dense", "Conv2D"];
const EPSILON = 0.001; // of Keras' batch normalisation
// Of the modern network's convolutions, as in mnist_lab/models.py.
const STRIDES = [
  { stride: 2, padding: "same" },
  { stride: 1, padding: "valid" },
  { stride: 2, padding: "same" },
  { stride: 1, padding: "valid" },
];

/** Make a network's layers of its weights, which come in Keras' order; `dropout` is its rate. */
export function layersOf(part, weights, { dropout = 0 } = {}) {
  const rest = [...weights];
  const layers = STACKS[part](rest, dropout);
  return layers.map((layer, i) => ({
    name: `${layer.kind} ${i + 1}`,
    activation: "linear",
    ...layer,
  }));
}

const STACKS = {
  linear: (weights) => [dense(weights, "linear"), dense(weights, "softmax")],
  mlp: hiddenAndOutput,
  dropout: hiddenAndOutput,
  cnn: (weights) => [
    ...whilst(weights, () => [
      convolution(weights, { stride: 1, padding: "same", activation: "relu" }),
      { kind: "MaxPooling2D", size: 2, stride: 2, padding: "same" },
    ]),
    { kind: "Flatten" },
    dense(weights, "softmax"),
  ],
  modern: (weights, rate) => [
    ...["RandomRotation", "RandomTranslation", "RandomZoom"].map((kind) => ({ kind })),
    ...STRIDES.flatMap((figures) => [
      convolution(weights, { ...figures, bare: true }),
      normalisation(weights),
      { kind: "ReLU", activation: "relu" },
    ]),
    { kind: "Flatten" },
    { kind: "Dropout", rate },
    dense(weights, "softmax"),
  ],
};

function hiddenAndOutput(weights, rate) {
  const hidden = whilst(weights, () => [
    dense(weights, "relu"),
    ...(rate ? [{ kind: "Dropout", rate }] : []),
  ]);
  return [...hidden, dense(weights, "softmax")];
}

/** List hidden layers until only the output layer's weights are left. */
function whilst(weights, next) {
  const layers = [];
  while (weights.length > 2) layers.push(...next());
  return layers;
}

function dense(weights, activation) {
  const [kernel, bias] = weights.splice(0, 2);
  return { kind: "Dense", activation, kernel, bias: bias.data };
}

function convolution(weights, { bare = false, ...figures }) {
  const [kernel] = weights.splice(0, 1);
  const bias = bare ? new Float32Array(kernel.shape[3]) : weights.shift().data;
  return { kind: "Conv2D", size: kernel.shape[0], kernel, bias, ...figures };
}

/** A normalisation by the means that it has learned: a factor and something added, by channel. */
function normalisation(weights) {
  const [gamma, beta, mean, variance] = weights.splice(0, 4).map(({ data }) => data);
  const factors = Float64Array.from(gamma, (scale, i) => scale / Math.sqrt(variance[i] + EPSILON));
  const offsets = Float64Array.from(beta, (shift, i) => shift - mean[i] * factors[i]);
  return { kind: "BatchNormalization", factors, offsets };
}

/**
 * Compute all values for an image of 784 pixels from 0 to 1. `mask` may say what a dropout layer
 * multiplies its values by, from the layer, their number, and the layer's place.
 */
export function lookThrough(layers, image, mask = () => null) {
  const shape = layers[0].kind === "Dense" ? [784] : [28, 28, 1];
  const seen = { image: { shape, data: image }, values: [], masks: new Map() };
  let x = seen.image;
  let scores;
  layers.forEach((layer, i) => {
    const before = KINDS[layer.kind].run(layer, x);
    const factors = layer.kind === "Dropout" ? mask(layer, before.data.length, i) : null;
    if (factors) {
      before.data = before.data.map((value, place) => value * factors[place]);
      seen.masks.set(i, factors);
    }
    scores = before.data;
    x = { shape: before.shape, data: BENDS[layer.activation](before.data) };
    seen.values.push(x);
  });
  return Object.assign(seen, { scores, probabilities: x.data });
}

/** Draw what a dropout layer multiplies its values by in a pass of training. */
export function randomMask({ rate }, count) {
  return Float32Array.from({ length: count }, () => (Math.random() < rate ? 0 : 1 / (1 - rate)));
}

/** Compute a network's probabilities for an image of 784 pixels from 0 to 1. */
export function probabilities(layers, image) {
  return lookThrough(layers, image).probabilities;
}

/**
 * Compute gradient times input for the answer's score, from what a look has seen. If the network
 * is linear, these numbers add up to the score, but for the biases.
 */
export function speaking(layers, { image, values, masks, scores }) {
  const best = scores.indexOf(Math.max(...scores));
  let slope = Float32Array.from(scores, (_, i) => Number(i === best));
  for (let i = layers.length - 1; i >= 0; i--) {
    const { kind, activation } = layers[i];
    const passes = masks.get(i);
    if (activation === "relu") slope = slope.map((each, j) => (values[i].data[j] > 0 ? each : 0));
    if (passes) slope = slope.map((each, j) => each * passes[j]);
    slope = KINDS[kind].back(layers[i], values[i - 1] ?? image, slope, values[i]);
  }
  return slope.map((each, j) => each * image.data[j]);
}

/** Whether each score is a weighted sum of the pixels and a constant, up to the softmax. */
export function isLinear(layers) {
  return layers
    .slice(0, -1)
    .every((each) => LINEAR.includes(each.kind) && each.activation === "linear");
}

/** Say how a layer passes on the values that it gets; an empty text if it changes them. */
export function passesOn({ kind }) {
  if (MOVING.includes(kind)) return "the same values in another order";
  return PASSING.includes(kind) ? "passes everything on, except in training" : "";
}

/**
 * Mark each layer's units, or maps, that say nothing about any of some images: 1 if a unit is
 * dead, its activation never above zero. Other layers than ReLUs get no marks. Between two images,
 * other work has its turn.
 */
export async function idleUnits(layers, images) {
  const marks = layers.map(() => new Uint8Array());
  const full = (shape) => new Uint8Array(shape.at(-1)).fill(1);
  for (const [i, image] of images.entries()) {
    lookThrough(layers, image).values.forEach(({ shape, data }, number) => {
      if (layers[number].activation !== "relu") return;
      if (i === 0) marks[number] = full(shape);
      const own = marks[number];
      for (let j = 0; j < data.length; j++) if (data[j] !== 0) own[j % own.length] = 0;
    });
    if (!marks.some((own) => own.includes(1))) break; // all have said something
    await new Promise((resolve) => setTimeout(resolve));
  }
  return marks;
}

/** Say what the value at a place of a layer is computed from; see `Sum` in mnist_lab/layers.py. */
export function sumAt(layers, { image, values, masks }, number, place) {
  const [layer, x, y] = [layers[number], values[number - 1] ?? image, values[number]];
  const { places, bias = 0, ...terms } = KINDS[layer.kind].terms(layer, x, place);
  const at = places.map((each) => flat(each, x.shape));
  const factors = masks.get(number);
  const weights = factors ? terms.weights.map(() => factors[at[0]]) : terms.weights;
  const inputs = at.map((index) => x.data[index]);
  const products = inputs.map((value, i) => value * weights[i]);
  const total = (some) => some.reduce((sum, i) => sum + products[i], 0);
  const all = Array.from(products.keys()).sort(
    (i, j) => Math.abs(products[j]) - Math.abs(products[i]),
  );
  const largest = all.filter((i) => products[i] !== 0).slice(0, MOST_TERMS);
  const listed = (from) => vector(Float64Array.from(largest, (i) => from[i]));
  const sum = total([...products.keys()]);
  return {
    places: largest.map((i) => places[i]),
    inputs: listed(inputs),
    weights: listed(weights),
    count: products.length,
    rest: sum - total(largest),
    bias,
    before: sum + bias,
    activation: layer.activation,
    value: y.data[flat(place, y.shape)],
    ...ofChannel(x.shape, places, inputs, weights, products),
  };
}

/** A window's inputs and weights as images, of the channel whose products are the largest. */
function ofChannel(shape, places, inputs, weights, products) {
  if (shape.length < 3) return { patch: null, kernel: null };
  const sums = new Float64Array(shape[2]);
  places.forEach(([, , channel], i) => {
    sums[channel] += Math.abs(products[i]);
  });
  const chosen = sums.indexOf(Math.max(...sums));
  const own = [...places.keys()].filter((i) => places[i][2] === chosen);
  const sides = [0, 1].map((axis) => new Set(own.map((i) => places[i][axis])).size);
  const image = (from) => ({ shape: sides, data: Float32Array.from(own, (i) => from[i]) });
  return { patch: image(inputs), kernel: image(weights) };
}

const BENDS = {
  linear: (values) => values,
  relu: (values) => values.map((value) => Math.max(value, 0)),
  softmax: (values) => {
    const most = Math.max(...values);
    const odds = Float64Array.from(values, (value) => Math.exp(value - most));
    const sum = odds.reduce((total, each) => total + each, 0);
    return Float32Array.from(odds, (each) => each / sum);
  },
};

// By kind of layer: `run` computes its values before the activation; `back` leads a gradient from
// those to its inputs; `terms` lists of which inputs, weights and bias a value is the sum.
const SAME = {
  run: (_layer, { shape, data }) => ({ shape, data }),
  back: (_layer, _x, slope) => slope,
  terms: (_layer, _x, place) => ({ places: [place], weights: [1] }),
};

const DENSE = {
  run: ({ kernel, bias }, { data }) => {
    const sums = Float64Array.from(bias);
    addProduct(sums, data, 0, data.length, kernel.data, 0);
    return vector(Float32Array.from(sums));
  },
  back: ({ kernel, bias }, { data }, slope) => {
    const units = bias.length;
    return data.map((_, i) => dot(kernel.data, i * units, slope, 0, units));
  },
  terms: ({ kernel, bias }, { data }, [unit]) => ({
    places: Array.from(data, (_, i) => [i]),
    weights: Array.from(data, (_, i) => kernel.data[i * bias.length + unit]),
    bias: bias[unit],
  }),
};

const CONVOLUTION = {
  run: (layer, x) => {
    const [channels, filters] = layer.kernel.shape.slice(2);
    const { high, wide, runs } = windows(layer, x.shape);
    const data = new Float32Array(high * wide * filters);
    const sums = new Float64Array(filters);
    runs.forEach((own, output) => {
      sums.set(layer.bias);
      for (const [input, tap, count] of own) {
        const row = tap * channels * filters;
        addProduct(sums, x.data, input * channels, count * channels, layer.kernel.data, row);
      }
      data.set(sums, output * filters);
    });
    return { shape: [high, wide, filters], data };
  },
  back: (layer, x, slope) => {
    const [channels, filters] = layer.kernel.shape.slice(2);
    const back = new Float32Array(x.data.length);
    windows(layer, x.shape).runs.forEach((own, output) => {
      const active = []; // filters with a gradient; after a pooling, most have none
      for (let f = 0; f < filters; f++) if (slope[output * filters + f]) active.push(f);
      for (const [input, tap, count] of active.length ? own : []) {
        for (let i = 0; i < count * channels; i++) {
          const row = (tap * channels + i) * filters;
          let share = 0;
          for (const f of active) share += layer.kernel.data[row + f] * slope[output * filters + f];
          back[input * channels + i] += share;
        }
      }
    });
    return back;
  },
  terms: (layer, x, [row, column, filter]) => {
    const [channels, filters] = layer.kernel.shape.slice(2);
    const { places, taps } = windowAt(layer, x.shape, row, column);
    const weights = taps.flatMap((tap) =>
      Array.from(
        { length: channels },
        (_, i) => layer.kernel.data[(tap * channels + i) * filters + filter],
      ),
    );
    const all = places.flatMap((pixel) =>
      Array.from({ length: channels }, (_, i) => [...pixel, i]),
    );
    return { places: all, weights, bias: layer.bias[filter] };
  },
};

const POOLING = {
  run: (layer, x) => {
    const channels = x.shape[2];
    const { high, wide, runs } = windows(layer, x.shape);
    const data = new Float32Array(high * wide * channels).fill(-Infinity);
    runs.forEach((own, output) => {
      for (const [input, , count] of own) {
        for (let i = 0; i < count * channels; i++) {
          const to = output * channels + (i % channels);
          data[to] = Math.max(data[to], x.data[input * channels + i]);
        }
      }
    });
    return { shape: [high, wide, channels], data };
  },
  back: (layer, x, slope, y) => {
    const channels = x.shape[2];
    const back = new Float32Array(x.data.length);
    const left = slope.slice(); // of equal values, only the first is the largest
    windows(layer, x.shape).runs.forEach((own, output) => {
      for (const [input, , count] of own) {
        for (let i = 0; i < count * channels; i++) {
          const [from, to] = [input * channels + i, output * channels + (i % channels)];
          if (x.data[from] !== y.data[to]) continue;
          back[from] += left[to];
          left[to] = 0;
        }
      }
    });
    return back;
  },
  terms: (layer, x, [row, column, channel]) => {
    const places = windowAt(layer, x.shape, row, column).places.map((pixel) => [...pixel, channel]);
    const inputs = places.map((place) => x.data[flat(place, x.shape)]);
    const largest = inputs.indexOf(Math.max(...inputs));
    return { places, weights: places.map((_, i) => Number(i === largest)) };
  },
};

const NORMALISATION = {
  run: ({ factors, offsets }, { shape, data }) => {
    const count = factors.length;
    return { shape, data: data.map((value, i) => value * factors[i % count] + offsets[i % count]) };
  },
  back: ({ factors }, _x, slope) => slope.map((each, i) => each * factors[i % factors.length]),
  terms: ({ factors, offsets }, _x, place) => {
    const channel = place.at(-1);
    return { places: [place], weights: [factors[channel]], bias: offsets[channel] };
  },
};

const FLATTEN = {
  ...SAME,
  run: (_layer, { data }) => vector(data),
  terms: (_layer, { shape: [, wide, channels] }, [place]) => {
    const pixel = Math.floor(place / channels);
    const at = [Math.floor(pixel / wide), pixel % wide, place % channels];
    return { places: [at], weights: [1] };
  },
};

const KINDS = {
  Dense: DENSE,
  Conv2D: CONVOLUTION,
  MaxPooling2D: POOLING,
  BatchNormalization: NORMALISATION,
  Flatten: FLATTEN,
  ReLU: SAME,
  ...Object.fromEntries(PASSING.map((kind) => [kind, SAME])),
};

/**
 * Return the height and width of what windows make of an image, and for each of its places the
 * runs of pixels that its window covers: the first one's place in the image and in the window, and
 * how many there are. Their values, and their rows in a kernel, follow one another in memory.
 */
function windows(layer, [height, width]) {
  const [rows, columns] = [covered(layer, height), covered(layer, width)];
  const runs = rows.flatMap((inRow) =>
    columns.map((inColumn) => {
      const [j, x] = inColumn[0];
      return inRow.map(([i, y]) => [y * width + x, i * layer.size + j, inColumn.length]);
    }),
  );
  return { high: rows.length, wide: columns.length, runs };
}

/** List the pixels that one window covers: their places in the image, and in the window. */
function windowAt(layer, [height, width], row, column) {
  const [inRow, inColumn] = [covered(layer, height)[row], covered(layer, width)[column]];
  return {
    places: inRow.flatMap(([, y]) => inColumn.map(([, x]) => [y, x])),
    taps: inRow.flatMap(([i]) => inColumn.map(([j]) => i * layer.size + j)),
  };
}

/** List for each window along a side which pixels it covers, as [place in it, place in the image]. */
function covered({ size, stride, padding }, length) {
  const same = padding === "same";
  const count = same ? Math.ceil(length / stride) : Math.floor((length - size) / stride) + 1;
  const added = same ? Math.max((count - 1) * stride + size - length, 0) : 0;
  return Array.from({ length: count }, (_, place) => {
    const start = place * stride - Math.floor(added / 2);
    const pixels = Array.from({ length: size }, (_, i) => [i, start + i]);
    return pixels.filter(([, pixel]) => pixel >= 0 && pixel < length);
  });
}

function vector(data) {
  return { shape: [data.length], data };
}

/** Return where the value at a place lies in an array's data. */
function flat(place, shape) {
  return place.reduce((index, each, axis) => index * shape[axis] + each, 0);
}

/** Add to sums the products of some inputs with the rows of a kernel, each as long as the sums. */
function addProduct(sums, inputs, from, count, kernel, at) {
  const units = sums.length;
  let i = 0;
  let row = at;
  for (; i + 4 <= count; i += 4, row += 4 * units) {
    const [a, b, c, d] = [
      inputs[from + i],
      inputs[from + i + 1],
      inputs[from + i + 2],
      inputs[from + i + 3],
    ];
    if (!(a || b || c || d)) continue; // as most pixels are
    for (let j = 0, k = row; j < units; j++, k++) {
      sums[j] +=
        a * kernel[k] +
        b * kernel[k + units] +
        c * kernel[k + 2 * units] +
        d * kernel[k + 3 * units];
    }
  }
  for (; i < count; i++, row += units) {
    for (let j = 0; j < units; j++) sums[j] += inputs[from + i] * kernel[row + j];
  }
}

function dot(one, from, other, to, count) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += one[from + i] * other[to + i];
  return sum;
}
