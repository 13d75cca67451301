// The table of runs: settings, results and buttons of each.

import { Sound } from "./heard.js";
import { lineSample } from "./marks.js";
import { button, checkbox, element, panel, refill } from "./page.js";

export class Rows {
  constructor(store, bring) {
    this.store = store;
    this.bring = bring;
    this.sound = new Sound();
    this.list = element("ul", { class: "ml-runs" });
    this.code = element("textarea", {
      class: "ml-code",
      readonly: true,
      rows: 6,
      hidden: true,
      "aria-label": "Python code that repeats the run",
    });
    this.caption = element("span", { class: "ml-caption" });
    this.panel = panel("rows", "Runs", [this.caption], this.list, this.code);
    store.on("rows", () => this.show());
    store.on("code", () => this.showCode());
  }

  show() {
    const { rows } = this.store;
    const known = JSON.stringify(rows);
    if (known === this.known) return;
    this.known = known;
    this.code.hidden = true;
    this.caption.textContent = rows.length ? "click a name to change it" : "";
    const words = "Each run stays here, to be compared with the next.";
    const empty = element("li", { class: "ml-empty" }, words);
    refill(this.list, rows.length ? rows.map((row) => this.row(row)) : [empty]);
  }

  row({ id, name, words, accuracy, gap, seconds, surprise, hidden }) {
    const rename = (event) => this.store.ask("rename", { row: id, name: event.target.value });
    const title = element("input", {
      class: "ml-name",
      value: name,
      "aria-label": "name of this run",
      title: "The name of this run; you can change it.",
      onchange: rename,
      // JupyterLab handles Enter itself, and the browser then sends no change event.
      onkeydown: (event) => event.key === "Enter" && rename(event),
    });
    const settings = words.flatMap(([text, changed], i) => [
      i ? ", " : "",
      changed ? element("b", {}, text) : text,
    ]);
    const hide = (event) => this.store.ask("hide", { row: id, hidden: event.target.checked });
    const [bring, leave] = [() => this.bring(id), () => this.bring(null)];
    return element(
      "li",
      { onpointerenter: bring, onpointerleave: leave, onfocusin: bring, onfocusout: leave },
      element("div", { class: "ml-line" }, lineSample(id), title),
      element("p", {}, ...settings),
      element("p", { class: "ml-result" }, element("b", {}, accuracy), ` · ${gap} · ${seconds}`),
      element("p", { hidden: !surprise }, surprise),
      element(
        "div",
        { class: "ml-line" },
        checkbox("hide", { onchange: hide, checked: hidden }, "Hide its curve."),
        button("Hear", HEAR, () => this.hear(id)),
        button("Copy code", "Copy the lines of Python that repeat it.", () =>
          this.store.ask("code", { row: id }),
        ),
        button("Remove", "Forget this run.", () => this.store.ask("remove", { row: id })),
      ),
    );
  }

  hear(id) {
    this.store.say(this.sound.play(this.store.curves.get(id).history.val_accuracy));
  }

  /** Show the code of a run, and copy it where the browser allows. */
  showCode() {
    this.code.value = this.store.code.text;
    this.code.hidden = false;
    this.code.select();
    navigator.clipboard?.writeText(this.code.value).catch(() => {});
  }
}

const HEAR = "Hear its validation accuracy, a short tone for each epoch: the higher, the better.";
