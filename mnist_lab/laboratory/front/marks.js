// The line and the mark that identify a run in the chart and in the table.

import { element } from "./page.js";

// Colour, dashes and mark of a run: distinct for colour-blind people, and without any colour.
const STYLES = [
  { colour: "#d55e00", dash: [], mark: "circle" },
  { colour: "#0a84c6", dash: [10, 3], mark: "square" },
  { colour: "#009e73", dash: [3, 3], mark: "triangle" },
  { colour: "#cc79a7", dash: [12, 4, 3, 4], mark: "diamond" },
  { colour: "#e69f00", dash: [18, 4], mark: "cross" },
  { colour: "#8a6fd1", dash: [6, 2, 2, 2, 2, 2], mark: "plus" },
];
const OVERLAYS = {
  "the sheet's curve": { colour: "#808080", dash: [8, 4], mark: "cross" },
  "the recorded run": { colour: "#808080", dash: [], mark: "dot" },
};

/** Return the style of a run's curve; after six runs the styles repeat. */
export function styleOf(id) {
  return OVERLAYS[id] ?? STYLES[id % STYLES.length];
}

/** Draw a sample of a run's line, as in a legend. */
export function lineSample(id) {
  const { colour, dash, mark } = styleOf(id);
  const size = { width: 72, height: 24 };
  const canvas = element("canvas", { ...size, class: "ml-sample", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.strokeStyle = colour;
  context.lineWidth = 4;
  context.setLineDash(dash.map((part) => 1.3 * part));
  drawLine(context, [
    [0, 12],
    [72, 12],
  ]);
  drawMark(context, mark, colour, 36, 12, 7);
  return canvas;
}

/** Whether a curve is an overlay, only there for comparison. */
export function isOverlay(id) {
  return id in OVERLAYS;
}

/** Draw a line through points, [x, y]. */
export function drawLine(context, points) {
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.stroke();
}

/** Return where values of all epochs from 1 lie on a plot's canvas. */
export function pointsOf(plot, values, factor) {
  return Array.from(values, (value, i) => pointAt(plot, i + 1, factor * value));
}

/** Return where a value lies on a plot's canvas. */
export function pointAt(plot, epoch, value) {
  return [plot.valToPos(epoch, "x", true), plot.valToPos(value, "y", true)];
}

/** Draw the mark of an epoch's validation. */
export function drawMark(context, mark, colour, x, y, size) {
  const path = {
    circle: () => context.arc(x, y, size, 0, 2 * Math.PI),
    dot: () => context.arc(x, y, size / 2, 0, 2 * Math.PI),
    square: () => context.rect(x - size, y - size, 2 * size, 2 * size),
    triangle: () => polygon([0, -1.2], [1.1, 0.9], [-1.1, 0.9]),
    diamond: () => polygon([0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]),
    cross: () => strokes([-1, -1, 1, 1], [-1, 1, 1, -1]),
    plus: () => strokes([-1.2, 0, 1.2, 0], [0, -1.2, 0, 1.2]),
  };
  const polygon = (...corners) => {
    for (const [right, down] of corners) context.lineTo(x + size * right, y + size * down);
    context.closePath();
  };
  const strokes = (...lines) => {
    for (const [x0, y0, x1, y1] of lines) {
      context.moveTo(x + size * x0, y + size * y0);
      context.lineTo(x + size * x1, y + size * y1);
    }
  };
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.beginPath();
  path[mark]();
  if (mark === "cross" || mark === "plus") {
    context.lineWidth = size / 1.6;
    context.setLineDash([]);
    context.stroke();
  } else context.fill();
}
