// The recorded runs and the networks on file: their files, as mnist_lab/web/records.py writes
// them, and a recorded run that is played as if it trained.

import { layersOf } from "./layers.js";

const HISTORY_ROWS = ["loss", "accuracy", "val_loss", "val_accuracy", "fit_accuracy"];
const TICK = 50; // milliseconds between two pieces of a played run
const LONGEST_TICK = 1; // seconds between two, when the machine is busy or the page was out of sight
const SECONDS_OF_PACE = { fast: 15, slow: 60 }; // for a whole run; at pace "step", by epoch
const DTYPES = { float32: Float32Array, float64: Float64Array, float16: fromHalves };

/** Take a file apart: what it is about, and its arrays by name. */
export function unpackFile(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const begin = 4 + length;
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, begin)));
  const ends = [...head.arrays.slice(1).map(({ offset }) => offset), bytes.length - begin];
  const arrays = head.arrays.map(({ name, dtype, shape, offset }, i) => {
    const own = bytes.slice(begin + offset, begin + ends[i]).buffer; // aligned to its elements
    return [name, { shape, data: Reflect.construct(DTYPES[dtype], [own]) }];
  });
  return { about: head.about, arrays: Object.fromEntries(arrays) };
}

/** Read numbers of 16 bits: a sign, five bits of an exponent, and ten of a fraction. */
function fromHalves(buffer) {
  return Float32Array.from(new Uint16Array(buffer), (bits) => {
    const sign = bits >> 15 ? -1 : 1;
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
    return exponent
      ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
      : (sign * fraction) / 2 ** 24;
  });
}

/** Load the networks on file, as {name, layers}. */
export async function recordedNetworks(source) {
  const { about, arrays } = unpackFile(await source.bytes("networks"));
  const weights = Object.values(arrays);
  return about.networks.map(({ name, part, dropout, weights: count }) => ({
    name,
    layers: layersOf(part, weights.splice(0, count), { dropout }),
  }));
}

/**
 * Load a recorded run, whole, as `Training.run` has it. Its `band` says between which values the
 * runs of all seeds lie: rows of the lowest and the highest at the end of each epoch.
 */
export async function loadRecord(source, part, seed) {
  const files = [`record-${part}-${seed}`, "bands"].map((name) => source.bytes(name));
  const [{ about, arrays }, bands] = (await Promise.all(files)).map(unpackFile);
  const { history, ...measured } = arrays;
  const count = history.shape[1];
  const rows = HISTORY_ROWS.map((key, i) => [
    key,
    [...history.data.subarray(i * count, (i + 1) * count)],
  ]);
  const band = (key) => bands.arrays[`${part} ${key}`];
  return {
    ...about,
    part,
    history: Object.fromEntries(rows),
    batch_loss: measured.batch_loss.data,
    batch_accuracy: measured.batch_accuracy.data,
    val_probabilities: measured.val_probabilities,
    weights: [],
    diverged: false,
    interrupted: false,
    expected: {},
    band: { val_loss: band("val_loss"), val_accuracy: band("val_accuracy") },
  };
}

/**
 * Plays a recorded run as if it trained: like `Training`, but for the network, which is not on
 * file. `pace` is "fast", "slow" or "step" (an epoch for each `step()`), and may change meanwhile.
 */
export class Playing {
  constructor(record, pace, name) {
    Object.assign(this, { record, pace, network: null, asked: 0, done: 0, owed: 0 });
    this.run = { ...record, name, val_probabilities: null };
    this.show();
  }

  /** Play one more epoch, where an epoch is played for each step. */
  step() {
    this.asked += 1;
  }

  /** Play until the end, or until `look`, which is called with the run so far, returns true. */
  async train(look) {
    let before = performance.now();
    while (this.done < this.record.batch_loss.length) {
      await new Promise((resolve) => setTimeout(resolve, TICK));
      const now = performance.now();
      this.advance(Math.min((now - before) / 1000, LONGEST_TICK));
      before = now;
      if (look(this.run) && this.done < this.record.batch_loss.length) {
        this.run.interrupted = true;
        return "stopped";
      }
    }
    return "finished";
  }

  /** Play what belongs to some seconds, at most to the end of the epoch; the rest comes next. */
  advance(seconds) {
    const { steps, batch_loss } = this.record;
    const end = (Math.floor(this.done / steps) + 1) * steps;
    if (this.pace === "step") {
      if (this.asked) this.done = end;
      this.asked = Math.max(this.asked - 1, 0);
      this.owed = 0;
    } else {
      const pace = batch_loss.length / SECONDS_OF_PACE[this.pace];
      const due = this.done + this.owed + pace * seconds;
      this.done = Math.min(due, end);
      this.owed = due - this.done;
    }
    this.show();
  }

  /** Make the run what was known after the iterations that are done. */
  show() {
    const { record, run } = this;
    const count = Math.floor(this.done);
    const epochs = Math.floor(count / record.steps);
    run.batch_loss = record.batch_loss.subarray(0, count);
    run.batch_accuracy = record.batch_accuracy.subarray(0, count);
    run.seconds = (record.seconds * count) / record.batch_loss.length;
    run.history = Object.fromEntries(
      HISTORY_ROWS.map((key) => [key, record.history[key].slice(0, epochs)]),
    );
    if (count < record.batch_loss.length) return;
    run.val_probabilities = record.val_probabilities; // they were measured at the end only
  }
}
