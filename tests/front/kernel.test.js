// The page's kernel on files of this test's own: links, what is loaded, trainings that are stopped,
// recorded runs that are played, and what goes wrong.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { unpack } from "../../mnist_lab/laboratory/front/state.js";
import { inHalves } from "../../mnist_lab/web/kernel/digits.js";
import { Laboratory } from "../../mnist_lab/web/kernel/laboratory.js";
import { ignoredWords, linkOf, readLink } from "../../mnist_lab/web/kernel/link.js";
import { pack } from "../../mnist_lab/web/kernel/pack.js";
import { until } from "./until.js";

const ENGINE = new URL("../../mnist_lab/web/engine/engine.wasm", import.meta.url);

function control(choices, more = {}) {
  return { label: "a label", tooltip: "a hint", last: choices.length - 1, choices, ...more };
}

/** Two small parts, as `figures.py` describes them. */
const FIGURES = {
  parts: {
    linear: {
      title: "Linear network",
      values: {
        learning_rate: 0.5,
        hidden_units: 10,
        loss: "clipped",
        epochs: 17,
        batch_size: 100,
        seed: 0,
      },
      controls: {
        learning_rate: control([0.1, 0.5, 10]),
        hidden_units: control([5, 10]),
        loss: control(["clipped", "categorical_crossentropy"], {
          reads: ["of 2020", "of today"],
          words: ["loss of 2020", "loss of today"],
        }),
        epochs: control([1, 2, 17]),
        batch_size: control([10, 100]),
        seed: { label: "seed", tooltip: "", last: 9999 },
      },
      sized: "hidden_units",
      parameters: [3985, 7960],
      sheet: Array(5).fill([null, 0.5]),
      program: "",
    },
    cnn: {
      title: "Convolutional network",
      values: { learning_rate: 0.001, filters: [32, 64], epochs: 34, batch_size: 100, seed: 0 },
      controls: {
        learning_rate: control([0.0001, 0.001, 10]),
        filters: control(
          [
            [4, 8],
            [32, 64],
          ],
          { reads: ["4 and 8", "32 and 64"], words: ["a", "b"] },
        ),
        epochs: control([1, 34]),
        batch_size: control([10, 100]),
        seed: { label: "seed", tooltip: "", last: 9999 },
      },
      sized: "filters",
      parameters: [4842, 83466],
      sheet: Array(5).fill([null, 0.5]),
      program: "",
    },
  },
  records: [{ part: "linear", title: "Linear network", seeds: [0] }],
};

/** Bytes of so many images with bars at the places of their labels. */
function images(count) {
  const bytes = new Uint8Array(count * 785);
  for (let image = 0; image < count; image++) {
    bytes.fill(255, image * 784 + 70 * (image % 10), image * 784 + 70 * (image % 10) + 60);
    bytes[count * 784 + image] = image % 10;
  }
  return bytes;
}

/** A file as `records.py` writes them. */
function file(about, arrays) {
  let offset = 0;
  const listed = arrays.map(([name, shape, data]) => {
    const entry = {
      name,
      dtype: data.constructor.name.replace("Array", "").toLowerCase(),
      shape,
      offset,
    };
    offset += data.byteLength;
    return entry;
  });
  const head = new TextEncoder().encode(JSON.stringify({ about, arrays: listed }));
  const length = new Uint8Array(Uint32Array.of(head.length).buffer);
  const bytes = arrays.map(([, , data]) => new Uint8Array(data.buffer));
  return Uint8Array.from([length, head, ...bytes].flatMap((each) => [...each]));
}

function record() {
  const about = { name: "linear", seed: 0, epochs: 2, steps: 3, seconds: 12, diverged: false };
  return file(about, [
    ["history", [5, 2], Float64Array.from({ length: 10 }, (_, i) => i / 10)],
    ["batch_loss", [6], Float32Array.of(6, 5, 4, 3, 2, 1)],
    ["batch_accuracy", [6], Float32Array.of(0, 0.1, 0.2, 0.3, 0.4, 0.5)],
    ["val_probabilities", [20, 10], new Float32Array(200).map((_, i) => ((i * 7) % 11) / 11)],
  ]);
}

function bands() {
  const band = new Float32Array(4);
  return file({ parts: ["linear"] }, [
    ["linear val_loss", [2, 2], band],
    ["linear val_accuracy", [2, 2], band],
  ]);
}

function networks() {
  const shapes = [[784, 2], [2], [2, 10], [10]];
  const array = (shape) => new Float32Array(shape.reduce((size, side) => size * side)).fill(0.1);
  const about = { name: "linear, on file", part: "linear", dropout: 0, weights: shapes.length };
  const arrays = shapes.map((shape, i) => [`linear ${i}`, shape, array(shape)]);
  return file({ networks: [about] }, arrays);
}

/** Open a laboratory on files by name; a function among them may fail, or wait. */
async function open(changes = {}, link = "") {
  const files = {
    "figures.json": FIGURES,
    "engine.wasm": async () => new Uint8Array(await readFile(ENGINE)),
    "mnist-train-0": () => images(200),
    "mnist-valid": () => images(20),
    networks,
    "record-linear-0": record,
    bands,
    ...changes,
  };
  const bytes = async (name) => {
    if (!files[name]) throw new Error(`${name} is not there.`);
    return files[name]();
  };
  const sent = [];
  const source = { bytes, json: async (name) => files[name] };
  const laboratory = await Laboratory.open(source, (values) => sent.push(values), { link });
  await laboratory.background;
  return {
    laboratory,
    sent,
    shown: laboratory.page.shown,
    ask: (ask, about, buffers) => laboratory.hear({ ask, ...about }, buffers),
  };
}

function hasEpochs(sent, epochs) {
  return sent.some(({ curves = [] }) => curves.some(({ history }) => history.shape[1] === epochs));
}

/** Play the recorded run by steps, and wait until it has begun. */
async function play(sent, ask) {
  await ask("play", { part: "linear", seed: 0, pace: "step" });
  await until(() => hasEpochs(sent, 0));
}

test("a link is what it was made of", () => {
  for (const text of [
    "linear",
    "linear&rate=0.1&units=5&loss=today&epochs=2&batch=10&seed=3&images=60000",
    "cnn&filters=4,8&seed=9999",
  ]) {
    const { setup, images: count, ignored } = readLink(`#${text}`, FIGURES, "linear");
    assert.deepEqual(ignored, []);
    assert.equal(linkOf(setup, count), text);
  }
});

test("what a link cannot set is left out, and said as text", () => {
  const hostile = "<img src=x onerror=alert(1)>";
  const pieces = [
    "rate=1e999",
    "rate=",
    "rate=-1",
    "filters=4",
    "filters=4,8,16",
    "epochs=3.5",
    "seed=99999",
    "images=70000",
    "__proto__=1",
    "constructor=1",
    "units=5",
    "seed=%E0%A4%A",
    hostile,
  ];
  const { setup, ignored } = readLink(`cnn&${pieces.join("&")}&seed=4`, FIGURES, "linear");
  assert.deepEqual(ignored, pieces);
  assert.deepEqual(setup.values, { ...FIGURES.parts.cnn.values, seed: 4 });
  assert.ok(ignoredWords([hostile]).includes(hostile));
  assert.ok(ignoredWords(pieces).length < 200);
  assert.equal(readLink("constructor&seed=1", FIGURES, "cnn").setup.part, "cnn");
  assert.equal(readLink("", FIGURES, "cnn").setup.name, "cnn");
});

test("a page that opens by a link has its settings, and follows another link", async () => {
  const { shown, ask } = await open({}, "#cnn&seed=3&nonsense");
  assert.deepEqual([shown.part, shown.link], ["cnn", "cnn&seed=3"]);
  assert.match(shown.status.text, /“nonsense”, which is left out/);
  await ask("link", { text: "#linear&units=5" });
  assert.deepEqual([shown.part, shown.link, shown.parameters], ["linear", "linear&units=5", 3985]);
});

test("messages are unpacked as they were packed", () => {
  const values = {
    a: [{ b: { shape: [2], data: Float32Array.of(1, 2) } }, null, "text", { c: {} }],
    d: { shape: [1, 3], data: new Uint8Array(8).fill(7).subarray(2, 5) },
  };
  const { content, buffers } = pack(values);
  assert.deepEqual(unpack(content, buffers), values);
});

test("before a training of its kind, a time is guessed; larger networks take longer", async () => {
  const { laboratory, shown } = await open();
  assert.match(shown.estimate, /^about .* \(a guess\)$/);
  const { speeds, setup } = laboratory;
  const guess = (part, values, parameters) => {
    const all = { ...setup.values, ...values, epochs: 1e6 };
    const words = speeds.estimate({ network: part, part, values: all, parameters }, 60_000);
    const [, hours, minutes] = words.match(/^about (?:(\d+) h )?(\d+) min/);
    return 60 * Number(hours ?? 0) + Number(minutes);
  };
  const times = [
    guess("linear", { batch_size: 500 }, 7960),
    guess("linear", { batch_size: 10 }, 7960),
    guess("mlp", { batch_size: 100 }, 99_710),
    guess("cnn", { batch_size: 100, filters: [4, 8] }, 4842),
    guess("cnn", { batch_size: 100, filters: [32, 64] }, 83_466),
  ];
  assert.deepEqual(
    times,
    times.toSorted((one, other) => one - other),
  );
});

test("it trains, counts its runs, and remembers how fast it was", async () => {
  const { laboratory, shown, sent, ask } = await open();
  assert.equal(shown.sight.labels.length, 8);
  assert.match(shown.estimate, /^about .* s \(a guess\)$/);
  await ask("move", { key: "epochs", place: 1 }); // the linear part trains at once
  await laboratory.driver.wait();
  assert.equal(shown.status.alert, false, shown.status.text);
  assert.match(shown.status.text, /^Done in /);
  assert.deepEqual([shown.running, shown.live, shown.rows.length], [false, null, 1]);
  assert.deepEqual(shown.rows[0].words.filter(([, changed]) => changed).length, 1);
  assert.match(shown.estimate, /^[\d.]+ s$/);
  assert.equal(
    shown.confusion.counts.data.reduce((sum, count) => sum + count),
    20,
  );
  assert.equal(shown.weights.of, "digit");
  const curve = sent.flatMap(({ curves = [] }) => curves).filter(({ id }) => id === 0);
  assert.equal(
    curve.reduce((sum, { first, loss }) => (first ? sum : 0) + loss.data.length, 0),
    4,
  );
  await ask("digit", {}, [images(1).slice(0, 784)]);
  assert.deepEqual(
    shown.answers.map(({ name }) => name),
    ["linear, on file", "linear, a label 2"],
  );
  await ask("start");
  await laboratory.driver.wait();
  assert.deepEqual(
    shown.rows.map(({ id }) => id),
    [0, 1],
  );
  assert.equal(shown.rows[0].accuracy, shown.rows[1].accuracy);
  await ask("remove", { row: 0 });
  assert.deepEqual(
    shown.rows.map(({ id }) => id),
    [1],
  );
});

test("a stopped training is kept; while one runs, another is refused", async () => {
  const { laboratory, shown, sent, ask } = await open({}, "cnn");
  const said = (words) => sent.some(({ status }) => status?.text.startsWith(words));
  ask("start");
  ask("start");
  assert.ok(said("Another training is running"));
  await until(() => said("epoch 1/34 · iteration"));
  await ask("stop");
  await ask("start"); // waits for its turn
  await ask("stop");
  await laboratory.driver.wait();
  assert.match(shown.status.text, /^Stopped (after|before)/);
  assert.equal(shown.running, false);
  assert.ok(shown.rows.length >= 1);
});

test("a recorded run is played step by step, and becomes a row", async () => {
  const { laboratory, shown, sent, ask } = await open();
  await play(sent, ask);
  assert.deepEqual(shown.playing, { pace: "step" });
  await ask("step");
  await until(() => hasEpochs(sent, 1));
  assert.match(shown.status.text, /^epoch 2\/\d+ · .* · it took [\d.]+ s to here$/);
  await ask("pace", { pace: "fast" });
  await until(() => shown.status.text.includes("iteration 4/6"));
  await ask("pace", { pace: "step" });
  await ask("step");
  await laboratory.driver.wait();
  assert.equal(
    shown.status.text,
    "That was the recorded run. Its training took 12 s when it was recorded.",
  );
  assert.deepEqual([shown.playing, shown.running], [null, false]);
  assert.deepEqual(shown.rows[0].words[0], ["the recorded run", true]);
  assert.equal(shown.rows[0].name, "linear, recorded");
});

test("what cannot be loaded is said, and the rest goes on", async () => {
  const { laboratory, shown, sent, ask } = await open({ "mnist-train-0": undefined });
  assert.equal(shown.loading.words, "mnist-train-0 is not there. Recorded runs can be played.");
  await ask("start");
  await laboratory.driver.wait();
  assert.deepEqual(shown.status, { text: "mnist-train-0 is not there.", alert: true });
  assert.equal(shown.running, false);
  await play(sent, ask);
  await ask("step");
  await ask("step");
  await laboratory.driver.wait();
  assert.equal(shown.rows.length, 1);
  await ask("digit", {}, [images(1).slice(0, 784)]);
  assert.equal(shown.answers.length, 1); // of the network on file
  await ask("through", { wish: {} });
  assert.equal(sent.findLast(({ through }) => through).through.label, null); // it is drawn
});

test("networks that could not be loaded are asked for again with a drawn digit", async () => {
  const opened = async (failures) => {
    const tries = [];
    const load = () => {
      if (tries.push(0) > failures) return networks();
      throw new Error("networks cannot be loaded.");
    };
    const { shown, ask } = await open({ networks: load });
    assert.equal(shown.loading.words, "networks cannot be loaded.");
    await ask("digit", {}, [images(1).slice(0, 784)]);
    return { shown, ask, tries };
  };
  const online = await opened(1);
  assert.equal(online.shown.answers.length, 1);
  assert.equal(online.shown.loading, null);
  const offline = await opened(Infinity);
  assert.equal(offline.shown.loading.words, "networks cannot be loaded.");
  await offline.ask("digit", {}, [images(1).slice(0, 784)]);
  assert.equal(offline.tries.length, 2); // not with each line that is drawn
});

test("without the other images, the first 10,000 are used", async () => {
  const { shown, ask } = await open();
  await ask("images", { count: 60_000 });
  assert.match(
    shown.loading.words,
    /^mnist-train-1 is not there\. The first 10,000 images are here/,
  );
  assert.deepEqual(
    [shown.images.count, shown.images.loaded, shown.link],
    [10_000, 10_000, "linear"],
  );
  await ask("images", { count: 10_000 });
  assert.equal(shown.images.count, 10_000);
});

test("without a database, digits are kept while the page is open", async () => {
  const { shown, ask } = await open();
  assert.equal(shown.kept.where, "until this page is closed");
  const digit = (ink) => [new Uint8Array(784).fill(ink), new Uint8Array(140 * 140).fill(ink)];
  for (const ink of [1, 2, 3]) await ask("keep", { label: ink }, digit(ink));
  await ask("unkeep", { index: 1 });
  assert.deepEqual([...shown.kept.labels.data], [1, 3]);
  assert.deepEqual(shown.kept.images.shape, [2, 28, 28]);
  assert.equal(shown.kept.problem, "");
});

test("probabilities are rounded to float16, and the largest stays the largest", () => {
  const data = Float32Array.of(0.50001, 0.50002, 0, 1e-9, 1 / 3, 1, 2 ** -24, 0.1, 0.9, 0.2);
  const short = inHalves({ shape: [1, 10], data }).data;
  assert.equal(short[4], 0.333251953125);
  assert.equal(short[6], 2 ** -24);
  assert.equal(short[3], 0);
  const tie = inHalves({ shape: [1, 10], data: data.map((value) => value / 2) }).data;
  assert.equal(tie[0], 0.25);
  const close = Float32Array.of(0.50001, 0.50002, 0, 0, 0, 0, 0, 0, 0, 0);
  const apart = inHalves({ shape: [1, 10], data: close }).data;
  assert.deepEqual([...apart.slice(0, 2)], [0.5, 0.5 + 2 ** -11]);
});
