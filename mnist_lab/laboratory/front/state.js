// The state of the page: values by name as Python sends them, and the growing curves.

export const SMOOTHED = 100; // a point of a thick line is the mean of so many iterations
const POINTS = 600; // roughly the most points of a line
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int32: Int32Array,
  uint8: Uint8Array,
};

/** Put the arrays back into a message that `surface.py` has packed. */
export function unpack(value, buffers) {
  if (Array.isArray(value)) return value.map((inner) => unpack(inner, buffers));
  if (value === null || typeof value !== "object") return value;
  if ("buffer" in value) {
    const bytes = buffers[value.buffer];
    // A copy, since typed arrays must be aligned to their elements.
    const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    return { shape: value.shape, data: new ARRAYS[value.dtype](own) };
  }
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, inner]) => [key, unpack(inner, buffers)]));
}

/** One number for each iteration, with running sums for the mean of any stretch. */
export class Series {
  constructor() {
    this.length = 0;
    this.values = new Float32Array(1024);
    this.sums = new Float64Array(1025); // sums of all earlier values
  }

  append(values) {
    const length = this.length + values.length;
    if (length > this.values.length) {
      this.values = grown(this.values, 2 * length);
      this.sums = grown(this.sums, 2 * length + 1);
    }
    this.values.set(values, this.length);
    for (let i = this.length; i < length; i++) this.sums[i + 1] = this.sums[i] + this.values[i];
    this.length = length;
  }

  /** Return the mean of the last values up to this index. */
  mean(place) {
    const first = Math.max(place + 1 - SMOOTHED, 0);
    return (this.sums[place + 1] - this.sums[first]) / (place + 1 - first);
  }
}

function grown(array, length) {
  const larger = new array.constructor(length);
  larger.set(array);
  return larger;
}

/** A run: a value for each batch, and the measurements at the end of each epoch. */
export class Curve {
  constructor() {
    this.loss = new Series();
    this.accuracy = new Series();
    this.expected = {};
  }

  /** Append a new piece; return false if iterations before it are missing. */
  take({ first, loss, accuracy, history, ...about }) {
    if (first !== this.loss.length) return false;
    Object.assign(this, about);
    this.loss.append(loss.data);
    this.accuracy.append(accuracy.data);
    const epochs = history.shape[1];
    const row = (number) => history.data.subarray(number * epochs, (number + 1) * epochs);
    this.history = { loss: row(0), accuracy: row(1), val_loss: row(2), val_accuracy: row(3) };
    return true;
  }

  /** The end of the curve, in epochs. */
  get end() {
    const length = this.loss.length - (this.diverged ? 1 : 0);
    return length ? length / this.steps : this.history.loss.length;
  }

  /** Return a batch's value and the mean up to it at this epoch; null where there is none. */
  at(key, epoch) {
    const series = this[key];
    if (!series.length) {
      // The sheet printed whole epochs only.
      const mean = Number.isInteger(epoch) ? this.history[key][epoch - 1] : undefined;
      return [null, Number.isFinite(mean) ? mean : null];
    }
    const place = Math.round(epoch * this.steps) - 1;
    if (place < 0 || epoch > this.end + 1e-9) return [null, null];
    return [series.values[place], series.mean(place)];
  }

  /** Return the last validation value up to this epoch; null before the end of the first. */
  validated(key, epoch) {
    const values = this.history[key];
    const value = values[Math.min(Math.floor(epoch + 1e-9), values.length) - 1];
    return Number.isFinite(value) ? value : null;
  }
}

/** Return the places between two epochs at which curves are drawn: whole epochs and equal parts. */
export function grid(from, to, curves) {
  const steps = Math.max(1, ...curves.map((curve) => curve.steps));
  const parts = Math.max(1, Math.min(Math.floor(POINTS / (to - from)), steps));
  const last = Math.floor(to * parts + 1e-9);
  const epochs = [];
  for (let i = Math.max(1, Math.ceil(from * parts - 1e-9)); i <= last; i++) epochs.push(i / parts);
  // And the ends of the curves, so that new values appear at once.
  const ends = curves.map((curve) => curve.end).filter((end) => end > from && end < to);
  return [...new Set([...epochs, ...ends])].sort((a, b) => a - b);
}

/** All values by name, and the listeners to their changes. */
export class Store {
  constructor() {
    this.curves = new Map();
    this.listeners = [];
  }

  /** Call a function whenever a message with one of these values has been stored. */
  on(keys, listener) {
    this.listeners.push([keys.split(" "), listener]);
  }

  /** Store a message; return false if a piece of a curve is missing. */
  take({ curves = [], ...values }) {
    const whole = curves.map((piece) => {
      if (piece.first === 0) this.curves.set(piece.id, new Curve());
      return this.curves.get(piece.id)?.take(piece) ?? false;
    });
    Object.assign(this, values);
    for (const { id, name } of values.rows ?? []) {
      const curve = this.curves.get(id);
      if (curve) curve.name = name;
      whole.push(Boolean(curve)); // a curve arrives before its row, unless a message was missed
    }
    const changed = Object.keys(values);
    if (curves.length) changed.push("curves");
    for (const [keys, listener] of this.listeners) {
      if (keys.some((key) => changed.includes(key))) listener();
    }
    return whole.every(Boolean);
  }

  /** Return the curves to draw: overlays, the rows that are not hidden, and the live one. */
  drawn() {
    const overlays = Object.keys(this.overlays).filter((kind) => this.overlays[kind]);
    const rows = this.rows.filter((row) => !row.hidden).map((row) => row.id);
    const live = this.live === null || rows.includes(this.live) ? [] : [this.live];
    return [...overlays, ...rows, ...live].map((id) => this.curves.get(id)).filter(Boolean);
  }
}
