// What stands between the laboratory and the Worker: anywidget's model, as far as it is used.

/** Make a model over a Worker that is sent and sends `{content, buffers}`. */
export function modelOf(worker) {
  const listeners = new Set();
  worker.addEventListener("message", ({ data: { content, buffers } }) => {
    const views = buffers.map((buffer) => new Uint8Array(buffer));
    for (const listener of listeners) listener(content, views);
  });
  return {
    send: (content, _, buffers = []) => worker.postMessage({ content, buffers }),
    on: (_, listener) => listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
    get: () => ({}), // there are no values before the Worker has sent them
  };
}
