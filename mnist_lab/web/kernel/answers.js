// All networks at hand, and their answers for a drawn digit.

import { scaled } from "./digits.js";
import { layersOf, probabilities } from "./layers.js";
import { recordedNetworks } from "./records.js";

/** The networks on file, and those of the runs in the table. */
export class Networks {
  constructor(source) {
    Object.assign(this, { source, recorded: [], layers: new WeakMap(), missing: false });
  }

  /** Load the networks on file, again where that failed; until then they are `missing`. */
  load() {
    this.loading ??= recordedNetworks(this.source).then(
      (networks) => Object.assign(this, { recorded: networks, missing: false }),
      (problem) => {
        Object.assign(this, { loading: undefined, missing: true });
        throw problem;
      },
    );
    return this.loading;
  }

  /** Return all networks' answers for a digit of 784 bytes; runs without weights have none. */
  answers(digit, rows) {
    const image = scaled(digit);
    const own = weighted(rows).map(({ run, setup }) => this.ofRun(run, setup));
    return [...this.recorded, ...own].map(({ name, layers }) => ({
      name,
      probabilities: { shape: [10], data: Float32Array.from(probabilities(layers, image)) },
    }));
  }

  /** List the networks that can be seen through, the newest last; each name is there once. */
  atHand(rows) {
    const found = [...this.recorded];
    for (const { run, setup } of weighted(rows)) {
      const again = found.filter(({ name }) => name.split(" · ")[0] === run.name).length;
      const name = again ? `${run.name} · ${again + 1}` : run.name;
      found.push({ ...this.ofRun(run, setup), name });
    }
    return found;
  }

  /** A run's network, made once: what is seen through stays the same object. */
  ofRun(run, { part, values }) {
    if (!this.layers.has(run)) this.layers.set(run, layersOf(part, run.weights, values));
    return { name: run.name, layers: this.layers.get(run) };
  }
}

function weighted(rows) {
  return rows.filter(({ run }) => run.weights.length);
}
