// What stays on this device: the browser's database, or memory where it gives none.

const NAME = "mnist-lab";
const SHELF = "kept";

/** Values by key, which are still there when the page is opened again, if it is `lasting`. */
export class Storage {
  static async open() {
    const storage = new Storage();
    storage.values = new Map();
    try {
      storage.database = await asked(indexedDB.open(NAME, 1), (request) => {
        request.result.createObjectStore(SHELF);
      });
    } catch {} // without a database, or where it may not be used, memory has to do
    return storage;
  }

  get lasting() {
    return Boolean(this.database);
  }

  async read(key) {
    if (!this.database) return this.values.get(key);
    return asked(this.database.transaction(SHELF).objectStore(SHELF).get(key));
  }

  /** Put what a function makes of a value in its place, which another page may have changed. */
  async change(key, made) {
    if (!this.database) return this.values.set(key, made(this.values.get(key))).get(key);
    const transaction = this.database.transaction(SHELF, "readwrite");
    const shelf = transaction.objectStore(SHELF);
    const value = made(await asked(shelf.get(key)));
    shelf.put(value, key);
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    return value;
  }
}

function asked(request, upgrade) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    if (upgrade) request.onupgradeneeded = () => upgrade(request);
  });
}
