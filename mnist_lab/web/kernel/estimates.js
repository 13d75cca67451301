// Estimates of a training's time, from the last training of its kind on this device.

import { duration } from "./wording.js";

/** The measured speeds, in seconds for each iteration. */
export class Speeds {
  constructor(storage) {
    Object.assign(this, { storage, speeds: {} });
  }

  /** Read what was measured earlier; what cannot be read is measured again. */
  async open() {
    this.speeds = (await this.storage.read("speeds").catch(() => ({}))) ?? {};
  }

  /** Keep the speed of a run. */
  async remember(setup, run) {
    const measured = { [setup.network]: run.seconds / run.batch_loss.length };
    Object.assign(this.speeds, measured);
    await this.storage.change("speeds", (speeds) => ({ ...speeds, ...measured })).catch(() => {});
  }

  /** Say how long a training will take; nothing if none of its kind was measured. */
  estimate({ network, values }, images) {
    const iterations = values.epochs * Math.ceil(images / values.batch_size);
    const speed = this.speeds[network];
    return speed ? duration(iterations * speed) : "";
  }
}
