// The page of the laboratory: its panels, and the messages between them and Python.

import { Charts } from "./chart.js";
import { Controls } from "./controls.js";
import { Draw } from "./draw.js";
import { Confusion, Sight, Weights } from "./insight.js";
import { element } from "./page.js";
import { Rows } from "./rows.js";
import { Store, unpack } from "./state.js";

export default {
  render({ model, el }) {
    const store = new Store();
    const page = crypto.randomUUID?.() ?? String(Math.random());
    store.ask = (ask, about = {}, buffers = []) =>
      model.send({ ask, ...about }, undefined, buffers);
    const build = () => {
      const charts = new Charts(store);
      const parts = [
        new Controls(store),
        charts,
        new Weights(store),
        new Sight(store),
        new Rows(store, (id) => charts.bring(id)),
        new Confusion(store),
        new Draw(store),
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
      if (!el.children.length) build();
      if (!store.take(message)) greet();
    };
    el.classList.add("mnist-lab");
    model.on("msg:custom", hear);
    // While a cell runs, Python cannot answer: the page begins with the values in the output.
    const { values, buffers } = model.get("opening");
    if (values) hear({ ...values, page }, buffers);
    greet();
    return () => model.off("msg:custom", hear);
  },
};
