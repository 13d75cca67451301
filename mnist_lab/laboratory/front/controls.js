// The controls: sliders with their values, Start, Stop, Reset, and the progress of the training.

import { button, element, options, panel, write } from "./page.js";

export class Controls {
  constructor(store) {
    this.store = store;
    this.list = element("div", { class: "ml-controls" });
    this.network = element("select", {
      "aria-label": "network",
      onchange: (event) => store.ask("part", { part: event.target.value }),
    });
    this.start = button("Start", "Train the network.", () => this.begin(), {
      class: "ml-primary",
    });
    this.stop = button("Stop", "Stop the training, and keep what it learned.", () =>
      store.ask("stop"),
    );
    this.reset = button("Reset", "Set all controls as in the sheet.", () => store.ask("reset"));
    this.size = element("p", { class: "ml-size" });
    this.progress = element("progress", {
      max: 1,
      value: 0,
      "aria-label": "progress of the training",
    });
    this.status = element("p", { class: "ml-status", role: "status", "aria-live": "off" });
    const buttons = element("div", { class: "ml-buttons" }, this.start, this.stop, this.reset);
    const parts = [this.network, this.list, this.size, buttons, this.progress, this.status];
    this.panel = panel("setup", "Network", [], ...parts);
    store.on("parts part", () => this.showParts());
    store.on("choices", () => this.build());
    store.on("controls", () => this.show());
    store.on("parameters estimate", () => this.showSize());
    store.on("running status", () => this.showRunning());
    store.on("status waits", () => this.showStatus());
    store.on("curves live", () => this.showProgress());
  }

  showParts() {
    const { parts, part } = this.store;
    this.network.hidden = !parts.length;
    if (!this.network.children.length) this.network.append(...options(parts));
    this.network.value = part;
  }

  build() {
    const known = JSON.stringify(this.store.choices);
    if (known === this.known) return;
    this.known = known;
    this.inputs = new Map(this.store.choices.map((control) => [control.key, this.make(control)]));
    this.list.replaceChildren(...Array.from(this.inputs.values(), ({ label }) => label));
  }

  /** Show the values of the controls, except of one that is being moved. */
  show() {
    for (const control of this.store.controls) this.inputs.get(control.key)?.place(control);
  }

  make(control) {
    const { key, label, tooltip, choices, last } = control;
    const words = element("span", { class: "ml-label" }, label);
    if (key === "loss") return this.makeMenu(control, words);
    const number = !choices; // a number to type in
    const input = element("input", { type: number ? "number" : "range", min: 0, max: last });
    const reading = element("span", { class: "ml-value" });
    const show = (words) => {
      reading.textContent = words;
      input.setAttribute("aria-valuetext", words);
    };
    let moving = false;
    const move = () => this.store.ask("move", { key, place: Number(input.value) });
    input.addEventListener("input", () => {
      moving = true;
      if (!number) show(choices[input.value]);
      // The linear part trains at each move, so it waits until the slider is released.
      if (this.store.part !== "linear" && !number) move();
    });
    const end = () => {
      if (moving && input.checkValidity()) move();
      moving = false;
    };
    input.addEventListener("change", end);
    // JupyterLab handles Enter itself, and the browser then sends no change event.
    input.addEventListener("keydown", (event) => event.key === "Enter" && end());
    const place = (now) => {
      if (moving) return;
      input.value = now.place;
      if (!number) show(now.reads);
    };
    return { label: element("label", { title: tooltip }, words, input, reading), place };
  }

  makeMenu({ key, tooltip, choices }, words) {
    const ask = (event) => this.store.ask("move", { key, place: Number(event.target.value) });
    const menu = element("select", { onchange: ask }, ...options([...choices.entries()]));
    const place = (now) => {
      menu.value = now.place;
    };
    return { label: element("label", { title: tooltip, class: "ml-menu" }, words, menu), place };
  }

  showSize() {
    const { parameters, estimate } = this.store;
    const count = element("b", {}, parameters.toLocaleString("en"));
    const time = estimate ? [" · ", element("b", {}, estimate), " to train"] : [];
    this.size.replaceChildren(count, " parameters", ...time);
  }

  begin() {
    this.store.ask("start");
    this.begins = this.start.disabled = true;
  }

  showRunning() {
    this.begins = false;
    this.start.disabled = this.store.running;
    this.stop.disabled = !this.store.running;
  }

  /** Show how the training goes, or that nobody hears the page for a while. */
  showStatus() {
    const { status, waits, busy } = this.store;
    const words = `${this.begins ? "Start waits: " : ""}${busy}`;
    write(this.status, waits ? words : status.text);
    if (waits) this.store.say(words);
    this.status.classList.toggle("ml-alert", status.alert && !waits);
  }

  showProgress() {
    const live = this.store.curves.get(this.store.live);
    if (live) this.progress.value = live.loss.length / (live.epochs * live.steps);
    else if (this.store.live === null && !this.store.rows.length) this.progress.value = 0;
  }
}
