// Keeps the page for times without a network. building.py writes above this VERSION, a digest of
// the page, and CORE, the files that it opens with.

const NAME = `mnist-lab ${registration.scope}`;
const CACHE = `${NAME} ${VERSION}`;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(CORE)));
});

addEventListener("activate", (event) => {
  const old = (name) => name.startsWith(`${NAME} `) && name !== CACHE;
  const clear = async () => {
    await Promise.all((await caches.keys()).filter(old).map((name) => caches.delete(name)));
    await clients.claim();
  };
  event.waitUntil(clear());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const own = request.method === "GET" && request.url.startsWith(registration.scope);
  if (own) event.respondWith(request.mode === "navigate" ? newest(request) : kept(request));
});

/** The page itself: from the network, which may have a newer one, else as it was kept. */
async function newest(request) {
  try {
    const response = await fetch(request);
    if (response.ok) return response;
  } catch {
    // No network.
  }
  return (await caches.match("./", { cacheName: CACHE })) ?? Response.error();
}

/** A file, whose name changes with what is in it: as it was kept, else from the network. */
async function kept(request) {
  const cache = await caches.open(CACHE);
  const found = await cache.match(request);
  if (found) return found;
  const response = await fetch(request);
  if (response.ok) cache.put(request, response.clone());
  return response;
}
