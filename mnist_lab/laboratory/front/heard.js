// What is heard: words for those who use a screen reader, and a curve as a row of tones.

import { element, percent, write } from "./page.js";

const EVERY = 5000; // milliseconds between two sums of a training
const TONE = 0.13; // seconds from one epoch's tone to the next

/** Words that a screen reader says when it has nothing else to say. */
export class Heard {
  constructor(store) {
    Object.assign(this, { store, next: 0, live: null });
    this.panel = element("p", { class: "ml-heard", role: "status", "aria-live": "polite" });
    store.say = (words) => write(this.panel, words);
    store.on("status live", () => this.follow());
  }

  /** Sum up a training every few seconds, and at its end with its result. */
  follow() {
    const { live, rows, status } = this.store;
    const done = live === null && rows.find(({ id }) => id === this.live);
    this.live = live;
    const now = performance.now();
    if (live !== null && !status.alert && now < this.next) return;
    this.next = now + EVERY;
    const result = done ? ` ${done.name}: ${done.accuracy}, ${done.gap}. ${done.surprise}` : "";
    this.store.say(status.text + result);
  }
}

/** Return an accuracy's pitch in hertz: two octaves from no right answer to one wrong in 200. */
export function pitch(accuracy) {
  const better = Math.log(1 / Math.max(1 - accuracy, 1 / 200)) / Math.log(200);
  return 220 * 4 ** better;
}

/** Plays the validation accuracies of a run; at most one sound at a time. */
export class Sound {
  /** Play a tone for each epoch, or end what is heard. Return what is played, in words. */
  play(accuracies) {
    const heard = Array.from(accuracies).filter(Number.isFinite);
    if (this.stop() || !heard.length) return "";
    this.context = new AudioContext();
    heard.forEach((accuracy, i) => {
      this.tone(pitch(accuracy), 0.05 + i * TONE);
    });
    this.end = setTimeout(() => this.stop(), 1000 * (heard.length + 2) * TONE);
    const [first, last] = [heard[0], heard.at(-1)].map((accuracy) => percent(accuracy));
    return `${heard.length} epochs, from ${first} to ${last}`;
  }

  tone(frequency, at) {
    const { context } = this;
    const [source, volume] = [context.createOscillator(), context.createGain()];
    source.frequency.value = frequency;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.2, at + 0.01); // a sudden start would click
    volume.gain.linearRampToValueAtTime(0, at + 0.8 * TONE);
    source.connect(volume).connect(context.destination);
    source.start(at);
    source.stop(at + TONE);
  }

  /** End what is heard; return whether there was anything. */
  stop() {
    const { context } = this;
    clearTimeout(this.end);
    context?.close();
    this.context = undefined;
    return Boolean(context);
  }
}
