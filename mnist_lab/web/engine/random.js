// The random numbers of Python, NumPy and TensorFlow, bit for bit: a seed decides the same initial
// weights, the same order of the images and the same dropout masks as in lab.train.

/** Return the upper 32 bits of the product of two 32-bit numbers. */
function upperHalf(a, b) {
  const [low, high] = [b & 0xffff, b >>> 16];
  const middle = (a >>> 16) * low + (((a & 0xffff) * low) >>> 16);
  const rest = ((a & 0xffff) * high + (middle & 0xffff)) >>> 16;
  return ((a >>> 16) * high + (middle >>> 16) + rest) >>> 0;
}

/** Python's `random.Random`: the Mersenne Twister (Matsumoto and Nishimura 1998). */
export class PythonRandom {
  constructor(seed) {
    const state = new Uint32Array(624);
    const spread = (place) => state[place] ^ (state[place] >>> 30);
    state[0] = 19650218;
    for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, spread(i - 1)) + i;
    let place = 1;
    const mixIn = (factor, more) => {
      state[place] = (state[place] ^ Math.imul(factor, spread(place - 1))) + more();
      if (++place === 624) [state[0], place] = [state[623], 1];
    };
    for (let i = 0; i < 624; i++) mixIn(1664525, () => seed);
    for (let i = 0; i < 623; i++) mixIn(1566083941, () => -place);
    state[0] = 0x80000000;
    this.state = state;
    this.place = 624;
  }

  /** Return a whole number from `low` to `high`, both included. */
  randint(low, high) {
    const choices = high - low + 1;
    const bits = 32 - Math.clz32(choices);
    let number;
    do number = this.#word() >>> (32 - bits);
    while (number >= choices);
    return low + number;
  }

  #word() {
    if (this.place === 624) this.#twist();
    let word = this.state[this.place++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  #twist() {
    const { state } = this;
    for (let i = 0; i < 624; i++) {
      const joint = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
      state[i] = state[(i + 397) % 624] ^ (joint >>> 1) ^ (joint & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }
}

/** TensorFlow's stateless random words: Philox 4x32 with ten rounds (Salmon et al. 2011). */
class Philox {
  constructor(seed, second) {
    this.words = new Uint32Array(4);
    [this.key, this.other] = [0x3ec8f720, 0x02461e29];
    [this.third, this.fourth] = [second, Math.floor(second / 2 ** 32)];
    // What is drawn at the place of the seed becomes the key.
    this.draw(seed);
    [this.key, this.other, this.third, this.fourth] = this.words;
  }

  /** Return the four words of a place; the next call overwrites them. */
  draw(place) {
    let { key, other, third: c, fourth: d } = this;
    let a = place;
    let b = 0;
    for (let round = 0; round < 10; round++) {
      const even = upperHalf(0xd2511f53, a) ^ d ^ other;
      const odd = upperHalf(0xcd9e8d57, c) ^ b ^ key;
      b = Math.imul(0xcd9e8d57, c);
      d = Math.imul(0xd2511f53, a);
      a = odd;
      c = even;
      key = (key + 0x9e3779b9) | 0;
      other = (other + 0xbb67ae85) | 0;
    }
    const { words } = this;
    words[0] = a;
    words[1] = b;
    words[2] = c;
    words[3] = d;
    return words;
  }
}

/** Make a number from 0 to 1 of a word's last 23 bits. */
function share(word) {
  return (word & 0x7fffff) / 2 ** 23;
}

/** Return `GlorotUniform(seed)(shape)` of Keras: the initial weights of an output layer. */
export function glorotUniform(seed, shape) {
  const [inputs, outputs] = shape.slice(-2);
  const window = shape.slice(0, -2).reduce((product, side) => product * side, 1);
  const limit = Math.fround(Math.sqrt(6 / (window * (inputs + outputs))));
  const values = new Float32Array(window * inputs * outputs);
  const philox = new Philox(seed, 0);
  for (let i = 0; i < values.length; i += 4) {
    const words = philox.draw(i / 4);
    for (let j = 0; j < 4; j++) values[i + j] = Math.fround(share(words[j]) * 2 * limit) - limit;
  }
  return values;
}

/** Return `TruncatedNormal(0, stddev, seed)(shape)` of Keras: hidden layers' initial weights. */
export function truncatedNormal(seed, shape, stddev) {
  const size = shape.reduce((product, side) => product * side, 1);
  const values = new Float32Array(size);
  const philox = new Philox(seed, 0);
  const scale = Math.fround(stddev);
  for (let i = 0; i < size; i += 4) {
    // Every four values have 256 places of their own, since nobody knows how many are too large.
    let place = 64 * i;
    for (let done = 0; done < 4; place++) {
      const [a, b, c, d] = philox.draw(place);
      for (const normal of [...twoNormals(a, b), ...twoNormals(c, d)]) {
        if (Math.abs(normal) < 2 && done < 4) values[i + done++] = normal * scale;
      }
    }
  }
  return values;
}

/** Make two normally distributed numbers of two words (Box and Muller 1958), in float32. */
function twoNormals(word, other) {
  const { fround } = Math;
  const angle = fround(2 * Math.PI * share(other));
  const radius = fround(Math.sqrt(fround(-2 * fround(Math.log(Math.max(share(word), 1e-7))))));
  return [fround(fround(Math.sin(angle)) * radius), fround(fround(Math.cos(angle)) * radius)];
}

/** Return which units of a dropout layer are kept (1) in an iteration, as training/dropout.py. */
export function dropoutMask(key, step, call, size, rate) {
  const bits = rate === 0.5 ? 1 : 16;
  const threshold = Math.round(rate * 2 ** bits);
  const [perWord, lowest] = [32 / bits, 2 ** bits - 1];
  const kept = new Uint8Array(size);
  const philox = new Philox(key, 1000 * step + call);
  for (let place = 0, i = 0; i < size; place++) {
    for (let word of philox.draw(place)) {
      for (const end = Math.min(i + perWord, size); i < end; i++, word >>>= bits) {
        kept[i] = (word & lowest) >= threshold ? 1 : 0;
      }
    }
  }
  return kept;
}

// 128-bit numbers are four words, the lowest first.
const PCG_FACTOR = [0x9fccf645, 0x4385df64, 0x1fc65da4, 0x2360ed05];

/** Return `number * factor + more` of 128 bits. */
function multipliedAndAdded(number, factor, more) {
  const result = new Uint32Array(4);
  let sum = 0;
  for (let k = 0; k < 4; k++) {
    sum = Math.floor(sum / 2 ** 32) + more[k];
    for (let i = 0; i <= k; i++) sum += Math.imul(number[i], factor[k - i]) >>> 0;
    for (let i = 0; i < k; i++) sum += upperHalf(number[i], factor[k - 1 - i]);
    result[k] = sum;
  }
  return result;
}

/** NumPy's `default_rng(entropy)`: PCG64 (O'Neill 2014), seeded by a `SeedSequence`. */
class NumpyRandom {
  constructor(entropy) {
    const [a, b, c, d, e, f, g, h] = seedSequence(entropy);
    this.increment = multipliedAndAdded([g, h, e, f], [2, 0, 0, 0], [1, 0, 0, 0]);
    this.state = multipliedAndAdded([c, d, a, b], [1, 0, 0, 0], this.increment);
    this.#step();
    this.kept = null; // the upper half of the last 64 bits, if nobody has had it yet
  }

  /** Return 32 random bits. */
  word() {
    const { kept } = this;
    this.kept = null;
    if (kept !== null) return kept;
    this.#step();
    const [a, b, c, d] = this.state;
    const [low, high] = d >>> 31 ? [b ^ d, a ^ c] : [a ^ c, b ^ d];
    const by = (d >>> 26) % 32;
    const turned = (one, other) => ((one >>> by) | ((other << 1) << (31 - by))) >>> 0;
    this.kept = turned(high, low);
    return turned(low, high);
  }

  /** Return a whole number from 0 to `most`, as a permutation draws it. */
  masked(most) {
    const mask = 2 ** (32 - Math.clz32(most)) - 1;
    let number;
    do number = (this.word() & mask) >>> 0;
    while (number > most);
    return number;
  }

  /** Return a whole number from 0 to `most`, as a choice draws it (Lemire 2019). */
  scaled(most) {
    const choices = most + 1;
    let word;
    do word = this.word();
    while (Math.imul(word, choices) >>> 0 < 2 ** 32 % choices);
    return upperHalf(word, choices);
  }

  #step() {
    this.state = multipliedAndAdded(this.state, PCG_FACTOR, this.increment);
  }
}

/** Return eight words of `SeedSequence(entropy)`, at most four numbers of 32 bits. */
function seedSequence(entropy) {
  const hashing = (factor, start) => {
    let constant = start;
    return (word) => {
      const mixed = word ^ constant;
      constant = Math.imul(constant, factor);
      const product = Math.imul(mixed, constant);
      return product ^ (product >>> 16);
    };
  };
  const hashed = hashing(0x931e8875, 0x43b0d7e5);
  const pool = [0, 1, 2, 3].map((place) => hashed(entropy[place] ?? 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const mixed = Math.imul(0xca01f9dd, pool[to]) - Math.imul(0x4973f715, hashed(pool[from]));
      pool[to] = mixed ^ (mixed >>> 16);
    }
  }
  return [...pool, ...pool].map(hashing(0x58f38ded, 0x8b51f9dd));
}

/** Exchange each value, from the last to `first`, with one before it or itself. */
function shuffle(values, first, draw) {
  for (let i = values.length - 1; i >= first; i--) {
    const other = draw(i);
    [values[i], values[other]] = [values[other], values[i]];
  }
  return values;
}

/** Return the order in which an epoch (from 0) visits the images, as `lab.epoch_order`. */
export function epochOrder(seed, epoch, images) {
  const random = new NumpyRandom([seed, epoch]);
  return shuffle(
    Int32Array.from({ length: images }, (_, i) => i),
    1,
    (i) => random.masked(i),
  );
}

/** Return the training images that measure the fit accuracy, as `fit_sample` of training/loop.py. */
export function fitSample(images) {
  const size = Math.min(5000, images);
  const random = new NumpyRandom([0]);
  const others = images - size;
  if (images > 10_000) {
    const all = Int32Array.from({ length: images }, (_, i) => i);
    return shuffle(all, Math.max(others, 1), (i) => random.scaled(i))
      .slice(others)
      .sort();
  }
  const chosen = new Set();
  for (let last = others; last < images; last++) {
    const drawn = random.scaled(last);
    chosen.add(chosen.has(drawn) ? last : drawn);
  }
  return Int32Array.from(chosen).sort();
}
