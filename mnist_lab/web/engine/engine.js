// What engine.ts computes with: WebAssembly, and its memory.

/** Compile the engine from the bytes of engine.wasm. */
export async function loadEngine(bytes) {
  try {
    return new Engine(await WebAssembly.compile(bytes));
  } catch ({ message }) {
    const works = "Recorded runs can be played, and drawn digits are answered.";
    throw new Error(
      `This browser cannot train: its WebAssembly has no SIMD (${message}). ${works}`,
    );
  }
}

class Engine {
  constructor(module) {
    this.module = module;
  }

  /** Return the engine with a memory of its own, which is freed with whoever holds it. */
  workplace() {
    return new Workplace(new WebAssembly.Instance(this.module).exports);
  }
}

class Workplace {
  constructor(exports) {
    this.compute = exports;
    this.memory = exports.memory;
    this.end = 1024; // of what is in use; nothing lies at the address zero
  }

  /** Return the address of so many new bytes, all zero. */
  allocate(bytes) {
    const start = this.end;
    this.end = start + 16 * Math.ceil(bytes / 16);
    const missing = this.end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    return start;
  }

  /** Return numbers in the memory; valid until more is allocated. */
  floats(address, count) {
    return new Float32Array(this.memory.buffer, address, count);
  }

  /** Return bytes in the memory; valid until more is allocated. */
  bytes(address, count) {
    return new Uint8Array(this.memory.buffer, address, count);
  }
}
