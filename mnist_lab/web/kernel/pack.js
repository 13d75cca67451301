// Messages to the page: values whose arrays travel as bytes.

const DTYPE_NAMES = new Map([
  [Float32Array, "float32"],
  [Float64Array, "float64"],
  [Int8Array, "int8"],
  [Int32Array, "int32"],
  [Uint8Array, "uint8"],
]);

/** Replace each array by a reference to its bytes, as `surface.py` does. */
export function pack(values) {
  const buffers = [];
  return { content: packed(values, buffers), buffers };
}

function packed(value, buffers) {
  if (Array.isArray(value)) return value.map((inner) => packed(inner, buffers));
  if (value === null || typeof value !== "object") return value;
  if (ArrayBuffer.isView(value.data)) {
    const { buffer, byteOffset, byteLength } = value.data;
    // A copy, which may be given away to the page.
    buffers.push(new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength)));
    const dtype = DTYPE_NAMES.get(value.data.constructor);
    return { buffer: buffers.length - 1, dtype, shape: value.shape };
  }
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, inner]) => [key, packed(inner, buffers)]));
}
