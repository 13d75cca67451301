// Reads the files in a folder as the page does, for test_record_files.py: prints a recorded run, and
// what each network on file says of some images.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { probabilities } from "../../mnist_lab/web/kernel/layers.js";
import { loadRecord, recordedNetworks } from "../../mnist_lab/web/kernel/records.js";

const [folder, part, seed] = process.argv.slice(2);
const source = { bytes: async (name) => new Uint8Array(readFileSync(join(folder, name))) };
const pixels = new Uint8Array(readFileSync(join(folder, "pixels")));
const images = Array.from({ length: pixels.length / 784 }, (_, i) =>
  Float32Array.from(pixels.subarray(784 * i, 784 * (i + 1)), (value) => value / 255),
);
const networks = await recordedNetworks(source);
const said = networks.map(({ name, layers }) => [
  name,
  images.map((image) => [...probabilities(layers, image)]),
]);
const plain = (_, value) => (ArrayBuffer.isView(value) ? [...value] : value);
const run = await loadRecord(source, part, seed);
process.stdout.write(JSON.stringify({ run, said: Object.fromEntries(said) }, plain));
