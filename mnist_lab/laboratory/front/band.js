// The band of a recorded run: between which values the runs of all seeds lie.

import { drawLine, pointsOf } from "./marks.js";

/** What the chart's legend says of bands. */
export const BAND = " · band: validation of all seeds on file, lowest to highest";

/** Return the lowest and the highest values of a measure, by epoch; none if there is no band. */
export function bandOf({ band }, measure) {
  if (!band) return [];
  const { shape, data } = band[measure];
  return [data.subarray(0, shape[1]), data.subarray(shape[1])];
}

/** Return the lowest and the highest value at the last epoch that has ended, if there are any. */
export function bandAt(curve, measure, epoch) {
  const place = Math.floor(epoch + 1e-9) - 1;
  const values = bandOf(curve, measure).map((each) => each[Math.min(place, each.length - 1)]);
  return values.every((value) => value !== undefined) ? values : [];
}

/** Draw a band below the lines; its edges show it in black and white, too. */
export function drawBand(plot, [low, high], factor, { colour, dash }) {
  const { ctx } = plot;
  const edges = [low, high].map((values) => pointsOf(plot, values, factor));
  ctx.fillStyle = `${colour}2e`;
  ctx.strokeStyle = `${colour}b0`;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(dash.map((part) => (part * devicePixelRatio) / 2));
  ctx.beginPath();
  for (const point of [...edges[0], ...[...edges[1]].reverse()]) ctx.lineTo(...point);
  ctx.fill();
  for (const points of edges) drawLine(ctx, points);
}
