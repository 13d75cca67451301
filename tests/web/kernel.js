// Runs the page's laboratory without a browser: asks come as lines of JSON, values go out so.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { unpack } from "../../mnist_lab/laboratory/front/state.js";
import { Laboratory } from "../../mnist_lab/web/kernel/laboratory.js";
import { pack } from "../../mnist_lab/web/kernel/pack.js";

const [folder, link] = process.argv.slice(2);
const bytes = async (name) => new Uint8Array(await readFile(`${folder}/${name}`));
const source = { bytes, json: async (name) => JSON.parse(await readFile(`${folder}/${name}`)) };

/** Make a training of a run of Python's, so that all that follows from it is the same. */
function repeated({ batch_loss, batch_accuracy, ...about }, setup, count) {
  const batches = { batch_loss: batch_loss.data, batch_accuracy: batch_accuracy.data };
  const run = { ...about, ...batches, expected: {} };
  const network = { part: setup.part, values: setup.values, weights: run.weights, free() {} };
  const train = async (look) => {
    look();
    return "finished";
  };
  const row = { setup, words: setup.words, count };
  return { training: { run, network, train }, part: setup.part, about: row, ending: () => "Done." };
}

function tell(values) {
  const { content, buffers } = pack(values);
  const texts = buffers.map((each) => Buffer.from(each).toString("base64"));
  console.log(JSON.stringify({ content, buffers: texts }));
}

const opened = Laboratory.open(source, tell, { link });
for await (const line of createInterface(process.stdin)) {
  const laboratory = await opened;
  const { content, buffers } = JSON.parse(line);
  const arrays = buffers.map((text) => new Uint8Array(Buffer.from(text, "base64")));
  if (content.ask === "given")
    laboratory.prepared = (...settings) => repeated(unpack(content.run, arrays), ...settings);
  else await laboratory.hear(content, arrays);
  await laboratory.driver.wait();
  while (laboratory.page.through.opened?.marks[0].length === 0) await setTimeout(5); // dead units
  if (content.ask === "hello") await laboratory.background; // what loads behind the page
  console.log(JSON.stringify({ done: content.ask }));
}
