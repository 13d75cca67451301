// The page of the laboratory: its panels, and the messages between them and Python.

import { Charts } from "./chart.js";
import { Controls } from "./controls.js";
import { Draw } from "./draw.js";
import { Heard } from "./heard.js";
import { Confusion, Sight, Weights } from "./insight.js";
import { element } from "./page.js";
import { Rows } from "./rows.js";
import { Store, unpack } from "./state.js";
import { Through } from "./through.js";

const PATIENCE = 1000; // milliseconds without an answer, until the page says that it waits

/** What anywidget asks for. A page may have `more` panels: classes like those of the others. */
export const laboratory = {
  render({ model, el, more = [] }) {
    const store = new Store();
    const page = crypto.randomUUID?.() ?? String(Math.random());
    let late; // the timer of the first question that Python has not answered
    store.ask = (ask, about = {}, buffers = []) => {
      model.send({ ask, ...about }, undefined, buffers);
      late ??= setTimeout(() => store.take({ waits: true }), PATIENCE);
    };
    let charts, rows;
    const build = () => {
      const heard = new Heard(store);
      charts = new Charts(store);
      rows = new Rows(store, (id) => charts.bring(id));
      const parts = [
        new Controls(store),
        ...more.map((Panel) => new Panel(store)),
        charts,
        new Weights(store),
        new Sight(store),
        rows,
        new Confusion(store),
        new Draw(store),
        new Through(store),
        heard,
      ];
      el.append(element("div", { class: "ml-grid" }, ...parts.map((part) => part.panel)));
    };
    let asked = false; // whether all values have been requested and not yet arrived
    const greet = () => {
      if (!asked) store.ask("hello", { page });
      asked = true;
    };
    const hear = (content, buffers) => {
      const message = unpack(content, buffers);
      // All values go to the page that asked for them; changes before that are ignored.
      if (message.page ? message.page !== page : !el.children.length) return;
      if (message.page) asked = false;
      clearTimeout(late);
      late = undefined;
      if (!el.children.length) build();
      if (!store.take({ ...message, waits: false })) greet();
    };
    el.classList.add("mnist-lab");
    model.on("msg:custom", hear);
    // While a cell runs, Python cannot answer: the page begins with the values in the output.
    const { values, buffers } = model.get("opening");
    if (values) hear({ ...values, page }, buffers);
    greet();
    return () => {
      model.off("msg:custom", hear);
      clearTimeout(late);
      charts?.close();
      rows?.sound.stop();
      el.replaceChildren(); // ipywidgets keeps the element of a closed view
    };
  },
};
