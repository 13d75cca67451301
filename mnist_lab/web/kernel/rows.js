// Runs as the page shows them: curves, rows of the table, and what came against what was expected.

import { divergence, duration, fixed, general, grouped, percentage } from "./wording.js";

const MEASURES = ["loss", "accuracy", "val_loss", "val_accuracy", "fit_accuracy"];

export const SHEET = "the sheet's curve";
export const RECORDED = "the recorded run";

/** Return what the page shows in a row of the table. */
export function rowValues({ number, run, words, hidden }) {
  const [accuracy, gap, seconds] = results(run);
  const name = run.name;
  return { id: number, name, words, accuracy, gap, seconds, surprise: surprise(run), hidden };
}

/** Put the final validation accuracy, the gap and the time of a run into words. */
export function results(run) {
  const seconds = duration(run.seconds);
  const finished = run.history.loss.length;
  const iteration = `iteration ${grouped(run.batch_loss.length)}`;
  if (run.diverged) return ["diverged", iteration, seconds];
  if (!finished) return ["stopped", iteration, seconds];
  const stopped = run.interrupted ? `, stopped in epoch ${finished + 1}` : "";
  const [fit, valid] = ["fit_accuracy", "val_accuracy"].map((key) => run.history[key].at(-1));
  const gap = fixed(100 * (fit - valid), 1).replace(/^-0\.0$/, "0.0");
  const signed = gap.startsWith("-") ? gap : `+${gap}`;
  return [percentage(valid), `gap ${signed} points${stopped}`, seconds];
}

/** Say how far a run was from what was expected of it, if anything was. */
export function surprise(run) {
  const far = (key) => {
    const came = run.history[key].slice(0, run.expected[key]?.length ?? 0);
    const sum = came.reduce((total, value, i) => total + Math.abs(value - run.expected[key][i]), 0);
    return came.length ? sum / came.length : null;
  };
  const [accuracy, loss] = [far("val_accuracy"), far("val_loss")];
  const words = [
    ...(accuracy === null ? [] : [`your accuracy by ${fixed(100 * accuracy, 1)} points`]),
    ...(loss === null ? [] : [`your loss by ${general(loss, 2)}`]),
  ];
  return words.length ? `Off on average: ${words.join(", ")}.` : "";
}

/** Return a run as the page draws it, with its batches from iteration `first` on. */
export function curve(id, run, first = 0) {
  const { name, epochs, steps, diverged, expected, band } = run;
  const piece = (values) => ({ shape: [values.length - first], data: values.subarray(first) });
  const [loss, accuracy] = [run.batch_loss, run.batch_accuracy].map(piece);
  const history = inRows(MEASURES.map((key) => run.history[key]));
  const whole = { id, name, epochs, steps, diverged, first, loss, accuracy, history, expected };
  return band ? { ...whole, band } : whole; // a recorded run has the band of its seeds
}

/** Return the curve that the sheet printed of a part; it had no value for each batch. */
export function sheetCurve({ sheet }) {
  const nothing = { shape: [0], data: new Float32Array(0) };
  const rows = sheet.map((row) => row.map((value) => value ?? Number.NaN));
  const about = { name: "the sheet, 2020", epochs: rows[0].length, steps: 600, diverged: false };
  const batches = { first: 0, loss: nothing, accuracy: nothing };
  return { id: SHEET, ...about, ...batches, history: inRows(rows), expected: {} };
}

/** Say how a training ended. */
export function endWords(ended, run, rate) {
  if (ended === "diverged") return divergence(run, rate);
  if (ended === "finished") return `Done in ${duration(run.seconds)}.`;
  const done = `${grouped(run.batch_loss.length)} iterations`;
  return `Stopped after ${done}. What was trained is kept.`;
}

/** Say how a recorded run ended that was played. */
export function playedWords(ended, run) {
  const took = `Its training took ${duration(run.seconds)} when it was recorded.`;
  return ended === "finished" ? `That was the recorded run. ${took}` : "Stopped.";
}

function inRows(rows) {
  return { shape: [rows.length, rows[0].length], data: Float32Array.from(rows.flat()) };
}
