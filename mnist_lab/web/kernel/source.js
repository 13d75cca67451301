// Where the page's data come from: files beside it, or the page itself. Each is checked.

const AGAIN = "Load the page again; if that does not help, it is broken where it lies.";

/**
 * The page's data by name. `manifest` has of each name the compressed `file`, its number of `bytes`
 * and its `sha256`. The files lie below `base`, or are in `files`, in Base64.
 */
export class Source {
  constructor({ base, files, manifest }) {
    Object.assign(this, { base, files, manifest });
  }

  /** Return the bytes of a name. `onProgress` is called with the share that is there. */
  async bytes(name, onProgress = () => {}) {
    const about = this.manifest[name];
    if (!about) throw new Error(`This page has no ${name}.`);
    const packed = this.files
      ? decoded(this.files[name])
      : await fetched(name, new URL(about.file, this.base), about.bytes, onProgress);
    await check(name, packed, about);
    const bytes = await unzipped(name, packed);
    onProgress(1);
    return bytes;
  }

  /** Return what a file of JSON says. */
  async json(name) {
    return JSON.parse(new TextDecoder().decode(await this.bytes(name)));
  }
}

/** Fetch a file whose length is known. */
async function fetched(name, url, length, onProgress) {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server says ${response.status}`);
    const pieces = [];
    let got = 0;
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      got += value.length;
      onProgress(Math.min(got / length, 1));
    }
    return new Uint8Array(await new Blob(pieces).arrayBuffer());
  } catch (problem) {
    throw new Error(`${name} cannot be loaded (${problem.message}). Are you online? ${AGAIN}`);
  }
}

function decoded(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Compare a file with what the manifest says of it. Without https a browser has no SHA-256. */
async function check(name, packed, { bytes, sha256 }) {
  if (packed.length < bytes) throw new Error(`${name} is not complete. ${AGAIN}`);
  if (!crypto.subtle) return; // the CRC-32 in the file must do
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", packed));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== sha256)
    throw new Error(`${name} is not the file that belongs to this page. ${AGAIN}`);
}

async function unzipped(name, packed) {
  try {
    const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(plain).arrayBuffer());
  } catch (problem) {
    throw new Error(`${name} cannot be unpacked (${problem.message}). ${AGAIN}`);
  }
}
