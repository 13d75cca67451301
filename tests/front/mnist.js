// MNIST for tests: reads the arrays of data/mnist.npz, an archive of deflated .npy files.

import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

/** Return the bytes of each array of an .npz file of bytes, by name. */
function arrays(file) {
  const found = {};
  let place = file.readUInt32LE(file.length - 6); // where the directory begins
  while (file.readUInt32LE(place) === 0x02014b50) {
    const [packed, name] = [file.readUInt32LE(place + 20), file.readUInt16LE(place + 28)];
    const extra = file.readUInt16LE(place + 30) + file.readUInt16LE(place + 32);
    const entry = file.readUInt32LE(place + 42);
    const key = file.toString("latin1", place + 46, place + 46 + name).replace(".npy", "");
    const start = entry + 30 + file.readUInt16LE(entry + 26) + file.readUInt16LE(entry + 28);
    const array = inflateRawSync(file.subarray(start, start + packed));
    found[key] = new Uint8Array(array.subarray(10 + array.readUInt16LE(8)));
    place += 46 + name + extra;
  }
  return found;
}

const { x_train, y_train, x_test, y_test } = arrays(
  readFileSync(new URL("../../data/mnist.npz", import.meta.url)),
);

/** Return the first images as a `Training` takes them. */
export function mnist(training = 60_000, validation = 10_000) {
  const part = (images, labels, count) => ({
    images: images.subarray(0, 784 * count),
    labels: labels.subarray(0, count),
  });
  const [train, valid] = [part(x_train, y_train, training), part(x_test, y_test, validation)];
  return { name: "MNIST", classes: 10, train, valid };
}
