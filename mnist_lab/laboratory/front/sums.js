// What one value of a layer is computed from, with numbers that add up.

import { colours, element, figure, paint, tableRow, write } from "./page.js";

const DIGITS = 4; // behind the point

/** Round a number as it is shown. */
export function asShown(value) {
  return Number(value.toFixed(DIGITS));
}

/**
 * Return the rows of a sum as they are shown, [words, number]: products, the rest, the bias. They
 * are rounded so that what is shown adds up to `before` exactly.
 */
export function sumRows({ places, inputs, weights, count, bias, before }, nameOf) {
  const products = places.map((place, i) => [
    `${nameOf(place)}: ${number(inputs.data[i])} × ${number(weights.data[i])}`,
    asShown(inputs.data[i] * weights.data[i]),
  ]);
  const listed = products.reduce((sum, [, product]) => sum + product, asShown(bias));
  const rest = asShown(asShown(before) - listed);
  const others = count - places.length;
  if (others) products.push([`the other ${others.toLocaleString("en")} together`, rest]);
  else if (rest) products.push(["rounding", rest]);
  if (bias) products.push(["bias", asShown(bias)]);
  return products;
}

/** Name a place in an array: a unit, or row, column and map, all from 0 as Python counts. */
export function placeWords(place) {
  if (place.length === 1) return `unit ${place[0]}`;
  const [row, column, map] = place;
  return `row ${row}, column ${column}${map === undefined ? "" : `, map ${map}`}`;
}

/** Write a number with a true minus sign. */
export function number(value) {
  return value.toFixed(DIGITS).replace("-", "−");
}

export class Sums {
  constructor() {
    this.title = element("p", { class: "ml-verdict", role: "status" });
    this.images = element("div", { class: "ml-patch" });
    this.table = element("table", { class: "ml-sum" });
    this.panel = element("div", { class: "ml-computed" }, this.title, this.images, this.table);
    this.show(null);
  }

  /** Show a sum as Python sends it: words for its layer, and how to name what lies below. */
  show(sum, layer, nameOf) {
    const title = sum
      ? `${layer}, ${placeWords(sum.at[1])}: ${number(sum.value)}`
      : "Point at a value, or go to it with the arrow keys, to see what it is computed from; a click holds it.";
    write(this.title, title);
    this.images.hidden = !sum?.patch || sum.patch.data.length < 2;
    this.table.hidden = !sum;
    if (!sum) return;
    if (sum.why) {
      this.table.replaceChildren(tableRow(`${sum.why}.`, [""]));
      return;
    }
    if (!this.images.hidden) this.showPatch(sum);
    const total = [["sum", asShown(sum.before)]];
    const bend = { relu: "max(0, sum)", softmax: "softmax of all units" }[sum.activation];
    if (sum.activation !== "linear") total.push([bend ?? `${sum.activation}(sum)`, sum.value]);
    const line = (kind) => (row) => tableRow(row[0], [number(row[1])], kind);
    const rows = sumRows(sum, nameOf).map(line());
    this.table.replaceChildren(...rows, ...total.map(line("ml-total")));
  }

  showPatch({ patch, kernel }) {
    const images = [
      [patch, "what lies below"],
      [kernel, "weights"],
      [{ ...patch, data: patch.data.map((value, i) => value * kernel.data[i]) }, "products"],
    ];
    const [below, weights, products] = images.map(([{ data, shape }, words]) => {
      const canvas = element("canvas", { role: "img", "aria-label": words });
      paint(canvas, data, shape[1], colours(data));
      return figure(canvas, words);
    });
    this.images.replaceChildren(below, "×", weights, "=", products);
  }
}
