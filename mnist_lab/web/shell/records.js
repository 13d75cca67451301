// The panel of the recorded runs, which the Worker plays as if they trained.

import { button, element, options, panel, write } from "../../laboratory/front/page.js";

const PACES = { fast: "fast, in 15 seconds", slow: "slow, in a minute", step: "step by step" };

export class Records {
  constructor(store) {
    this.store = store;
    const ask = (event) => this.store.playing && store.ask("pace", { pace: event.target.value });
    const menu = (label, more) => element("select", { "aria-label": label, ...more });
    this.part = menu("network of the recorded run", { onchange: () => this.showSeeds() });
    this.seed = menu("seed of the recorded run");
    this.pace = menu("pace at which it is played", { onchange: ask });
    this.pace.append(...options(Object.entries(PACES)));
    this.play = button("Play", HINT, () => this.begin(), { class: "ml-primary" });
    this.next = button("Next epoch", "Play the next epoch.", () => store.ask("step"));
    const words = element("p", { class: "ml-caption" }, WORDS);
    const chosen = [this.part, this.seed, this.pace, this.play, this.next];
    const line = element("div", { class: "ml-buttons" }, ...chosen);
    this.panel = panel("records", "Recorded runs", [], line, words);
    store.on("records", () => this.showParts());
    store.on("records running playing", () => this.show());
  }

  showParts() {
    const parts = this.store.records.map(({ part, title }) => [part, title]);
    this.part.replaceChildren(...options(parts));
    this.showSeeds();
  }

  showSeeds() {
    const { seeds } = this.store.records.find(({ part }) => part === this.part.value);
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

const HINT = "Play this run as if it trained; Stop keeps what was played.";
const WORDS =
  "Python trained these and kept every iteration. What is played is what happened then; nothing is trained now.";
