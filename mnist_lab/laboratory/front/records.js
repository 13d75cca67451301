// The recorded runs, played as if they trained: only where the kernel has them to play.

import { button, element, panel, write } from "./page.js";

const PACES = { fast: "fast, in 15 seconds", slow: "slow, in a minute", step: "step by step" };

export class Records {
  constructor(store) {
    this.store = store;
    const ask = (event) => this.store.playing && store.ask("pace", { pace: event.target.value });
    this.part = this.menu("network of the recorded run", () => this.showSeeds());
    this.seed = this.menu("seed of the recorded run");
    this.pace = this.menu("pace at which it is played", ask, PACES);
    this.play = button("Play", HINT, () => this.begin(), { class: "ml-primary" });
    this.next = button("Next epoch", "Play the next epoch.", () => store.ask("step"));
    const words = element("p", { class: "ml-caption" }, WORDS);
    const chosen = [this.part, this.seed, this.pace, this.play, this.next];
    const line = element("div", { class: "ml-buttons" }, ...chosen);
    this.panel = panel("records", "Recorded runs", [], line, words);
    this.panel.hidden = true;
    store.on("records", () => this.showParts());
    store.on("records running playing", () => this.show());
  }

  menu(label, onchange = () => {}, choices = {}) {
    return element(
      "select",
      { "aria-label": label, onchange },
      ...options(Object.entries(choices)),
    );
  }

  showParts() {
    const { records } = this.store;
    this.panel.hidden = !records.length;
    this.part.replaceChildren(...options(records.map(({ part, title }) => [part, title])));
    this.showSeeds();
  }

  showSeeds() {
    const record = this.store.records.find(({ part }) => part === this.part.value);
    const seeds = record?.seeds ?? [];
    this.seed.replaceChildren(...options(seeds.map((seed) => [seed, `seed ${seed}`])));
  }

  begin() {
    if (this.store.playing) this.store.ask("stop");
    else {
      const [part, pace] = [this.part.value, this.pace.value];
      this.store.ask("play", { part, seed: Number(this.seed.value), pace });
    }
  }

  show() {
    const { running, playing } = this.store;
    write(this.play, playing ? "Stop" : "Play");
    this.play.disabled = running && !playing;
    this.part.disabled = this.seed.disabled = Boolean(playing);
    if (playing) this.pace.value = playing.pace;
    this.next.hidden = playing?.pace !== "step";
  }
}

function options(entries) {
  return entries.map(([value, words]) => element("option", { value }, words));
}

const HINT = "Play this run as if it trained; Stop keeps what was played.";
const WORDS =
  "Python trained these and kept every iteration. What is played is what happened then; nothing is trained now.";
