/* global uPlot */
// Charts of loss and accuracy of all runs, one above the other, with the values at the pointer.

import { BAND, bandAt, bandOf, drawBand } from "./band.js";
import { drawMark, isOverlay, lineSample, pointAt, pointsOf, styleOf } from "./marks.js";
import {
  button,
  checkbox,
  clamp,
  element,
  headRow,
  onResize,
  panel,
  tableRow,
  write,
} from "./page.js";
import { drawExpected, Predict, reading } from "./predict.js";
import { grid } from "./state.js";

const FLOORS = [95, 90, 80, 50, 0]; // possible starts of the accuracy axis, in percent
const MEASURES = [
  { key: "loss", validated: "val_loss", digits: 3, unit: "", factor: 1 },
  { key: "accuracy", validated: "val_accuracy", digits: 1, unit: "%", factor: 100 },
];

const EPOCHS = {
  size: 24,
  label: "epoch",
  labelSize: 14,
  labelGap: -6,
  labelFont: "11px system-ui, sans-serif",
};
const DECADES = {
  splits: (_plot, _axis, min, max) => {
    const ticks = [];
    for (let power = -5; power < 4; power++) ticks.push(10 ** power, 3 * 10 ** power);
    return ticks.filter((tick) => tick > min * 0.99 && tick < max * 1.01);
  },
  filter: (_, ticks) => ticks,
};

export class Charts {
  constructor(store) {
    this.store = store;
    this.sync = `mnist-lab-${Math.random()}`; // the charts with this key have one pointer
    this.window = null; // the epochs shown, unless all are
    this.logarithmic = true;
    this.forward = null; // the highlighted run
    this.places = MEASURES.map(({ key }) => element("div", { class: `ml-plot ml-plot-${key}` }));
    this.hint = element("p", { class: "ml-hint" }, "Press Start, and a curve begins to grow here.");
    this.readout = element("div", { class: "ml-readout", hidden: true });
    this.predict = new Predict(store, MEASURES, this);
    this.ranges = []; // of the two vertical axes
    this.panel = this.makePanel();
    this.places.forEach((place, i) => {
      this.predict.listen(place, MEASURES[i], () => this.plots[i]);
    });
    store.on("curves rows live overlays controls", () => this.request());
    this.unwatch = onResize(this.field, () => this.request(true));
    // The colours of the axes follow the theme.
    this.themed = new MutationObserver(() => this.request(true));
    this.themed.observe(document.body, { attributes: true });
  }

  /** Let go of all that would keep a closed view in memory. */
  close() {
    this.unwatch();
    this.themed.disconnect();
    for (const frame of [this.pending, this.second]) cancelAnimationFrame(frame);
    for (const plot of this.plots ?? []) plot.destroy();
  }

  makePanel() {
    this.axisButton = button("log axis", "Switch the loss axis: logarithmic or linear.", () => {
      this.logarithmic = !this.logarithmic;
      this.request(true);
    });
    const hint = "Show all epochs again (also: a double click).";
    this.backButton = button("Show all", hint, () => this.zoom(null));
    this.overlays = element("span", { class: "ml-overlays" });
    this.store.on("overlays", () => this.showOverlays());
    this.field = element(
      "div",
      {
        class: "ml-plots",
        tabindex: 0,
        role: "group",
        "aria-label": CHART_HELP,
        onkeydown: (event) => this.key(event),
      },
      ...this.places,
      this.hint,
      this.readout,
    );
    const fill = { class: "ml-data", ontoggle: () => this.fillTable() };
    this.table = element("details", fill, element("summary", {}, "as a table"));
    this.legend = element("span", {}, LEGEND);
    const foot = element("div", { class: "ml-foot" }, this.legend, this.table);
    const { forget, switch: predict } = this.predict;
    const buttons = [this.backButton, forget, predict, this.axisButton];
    const tools = element("div", { class: "ml-tools" }, ...buttons);
    const chart = element("div", { class: "ml-chart" }, tools, this.field);
    return panel("curves", "Learning curves", [this.overlays], chart, foot);
  }

  showOverlays() {
    const { overlays, ask } = this.store;
    const onchange = ({ target }) => ask("overlay", { kind: target.name, shown: target.checked });
    const boxes = Object.keys(overlays).map((name) => checkbox(name, { name, onchange }));
    if (!this.overlays.children.length) this.overlays.append(...boxes);
    for (const { control } of this.overlays.children) control.checked = overlays[control.name];
  }

  /** Draw at the next animation frame; `anew` if more than the data has changed. */
  request(anew = false) {
    this.anew ||= anew;
    this.pending ??= requestAnimationFrame(() => {
      this.pending = undefined;
      this.draw();
    });
  }

  draw() {
    const width = this.field.clientWidth;
    if (!width) return;
    this.curves = this.store.drawn();
    const known = this.curves.map((curve) => curve.id).join();
    const read = this.readout.hidden ? undefined : this.plots[0];
    const [epoch, top] = read ? [this.epochRead(read), read.cursor.top] : [];
    const anew = this.anew || known !== this.known || width !== this.width;
    if (anew) this.build(width);
    [this.known, this.width, this.anew] = [known, width, false];
    const [from, to] = this.shownEpochs();
    this.epochs = grid(from, to, this.curves);
    this.hint.hidden = this.curves.length > 0 || !this.predict.forget.hidden;
    this.backButton.hidden = this.window === null;
    this.axisButton.textContent = this.logarithmic ? "log axis" : "linear axis";
    write(this.legend, this.curves.some(({ band }) => band) ? LEGEND + BAND : LEGEND);
    // One chart per frame, so that no frame is late; new charts both at once.
    this.drawMeasure(0);
    if (anew) this.drawMeasure(1);
    else this.second ??= requestAnimationFrame(() => this.drawMeasure(1));
    this.fillTable();
    // The pointer may rest while a curve grows, is renamed or is drawn again.
    if (read) this.readAt(epoch, top);
  }

  drawMeasure(i) {
    if (i) this.second = undefined;
    const { key, factor } = MEASURES[i];
    const [from, to] = this.shownEpochs();
    const lines = this.curves.flatMap((curve) => {
      const points = this.epochs.map((epoch) => curve.at(key, epoch));
      const line = (place) =>
        points.map((pair) => (pair[place] === null ? null : factor * pair[place]));
      return [line(0), line(1)];
    });
    const plot = this.plots[i];
    plot.setData([this.epochs, ...lines], false);
    plot.batch(() => {
      plot.setScale("x", { min: from, max: to });
      // Under a drawing hand the axis stands still.
      if (!this.predict.from) this.ranges[i] = i ? this.accuracies(lines) : this.losses(lines);
      const [min, max] = this.ranges[i];
      plot.setScale("y", { min, max });
    });
  }

  shownEpochs() {
    const all = this.curves.map((curve) => curve.epochs);
    if (!all.length || this.predict.on) all.push(this.predict.epochs);
    return this.window ?? [0, Math.max(...all)];
  }

  shows(epoch) {
    const [from, to] = this.shownEpochs();
    return epoch >= from && epoch <= to;
  }

  /** Return the range of the loss axis, in steps so that it rarely jumps. */
  losses(lines) {
    // What is drawn at an edge moves it, so that one can draw on.
    const below = this.expected("val_loss").flatMap(([values]) => values.map((each) => 0.9 * each));
    const usual = this.window ? [] : [0.3, 2.5];
    const drawn = [...meansOf(lines), ...this.marked("val_loss"), ...below, ...usual];
    const [low, high] = [Math.max(Math.min(...drawn), 1e-4), Math.min(Math.max(...drawn), 100)];
    if (!this.logarithmic) return [0, Math.ceil(high * 4.2) / 4 || 2.5];
    const half = (value, round) => 10 ** (round(2 * Math.log10(value)) / 2);
    return [half(low, Math.floor), half(high * 1.05, Math.ceil)];
  }

  accuracies(lines) {
    const marked = this.marked("val_accuracy").map((share) => 100 * share);
    const seen = marked.length ? marked : meansOf(lines);
    const worst = seen.length ? Math.min(...seen) : 0;
    const spare = this.store.live === null ? 1 : 3; // later epochs may be worse by so many points
    return [FLOORS.find((floor) => floor < worst - spare) ?? 0, 100];
  }

  /** Return what is marked of a measure: each epoch's validation, its band, what is expected. */
  marked(key) {
    const validated = this.curves
      .flatMap((curve) => [curve.history[key], ...bandOf(curve, key)])
      .flatMap((values) => Array.from(values).filter((_, i) => this.shows(i + 1)));
    const expected = this.expected(key).flatMap(([values]) => values);
    return [...validated, ...expected].filter(Number.isFinite);
  }

  build(width) {
    for (const plot of this.plots ?? []) plot.destroy();
    this.plots = MEASURES.map((measure, i) => {
      const height = this.places[i].clientHeight;
      return new uPlot(this.options(measure, width, height), null, this.places[i]);
    });
  }

  options(measure, width, height) {
    const look = getComputedStyle(this.field);
    const [stroke, line] = ["--ml-muted", "--ml-grid"].map((name) => look.getPropertyValue(name));
    const axis = { stroke, font: "11px system-ui, sans-serif", ticks: { show: false }, gap: 4 };
    const grid = { stroke: line, width: 1 };
    const logarithmic = this.logarithmic && measure.key === "loss";
    const last = measure.key === "accuracy";
    const reads = (_, ticks) =>
      ticks.map((tick) => `${Number(tick.toPrecision(3))}${measure.unit}`);
    return {
      width,
      height,
      legend: { show: false },
      padding: [8, 12, last ? 0 : 4, 0],
      scales: {
        x: { time: false },
        y: logarithmic ? { distr: 3, log: 10 } : {},
      },
      axes: [
        { ...axis, grid, ...(last ? EPOCHS : { size: 4, values: () => [] }) },
        { ...axis, grid, size: 44, ...(logarithmic ? DECADES : {}), values: reads },
      ],
      series: [{}, ...this.curves.flatMap((curve) => this.lines(curve))],
      cursor: {
        drag: { x: true, y: false, setScale: false },
        sync: { key: this.sync, scales: ["x", null] },
        points: { show: false },
        bind: {
          dblclick: () => () => this.zoom(null),
          mousedown: (_plot, _target, drag) => (event) => this.predict.on || drag(event),
        },
      },
      hooks: {
        drawAxes: [(plot) => clipped(plot, 0, () => this.drawBands(plot, measure))],
        draw: [(plot) => clipped(plot, 8, () => this.drawMarks(plot, measure))],
        setCursor: [(plot) => this.read(plot)],
        setSelect: [(plot) => this.select(plot)],
      },
    };
  }

  /** Return the expected curves of a measure with their colours: each run's, and the next one's. */
  expected(key) {
    const own = this.curves.map(({ id, expected }) => [expected[key], styleOf(id).colour]);
    const next = [this.store.expected[key], getComputedStyle(this.field).color];
    return [...own, next].filter(([values]) => values);
  }

  lines(curve) {
    const { colour, dash } = styleOf(curve.id);
    const stroke = (strength) => () => colour + opacity(strength * this.strength(curve));
    const [batches, means, width] = isOverlay(curve.id) ? [0, 0.75, 1.5] : [0.24, 1, 2.25];
    const points = { show: false };
    return [
      { stroke: stroke(batches), width: 1, points },
      { stroke: stroke(means), width, dash, spanGaps: true, points },
    ];
  }

  strength(curve) {
    return this.forward === null || this.forward === curve.id ? 1 : 0.2;
  }

  /** Highlight a run, or none (null). */
  bring(id) {
    this.forward = id;
    for (const plot of this.plots ?? []) plot.redraw(false);
  }

  /** Draw the bands of recorded runs, below all lines. */
  drawBands(plot, { validated, factor }) {
    for (const curve of this.curves.filter(({ band }) => band)) {
      plot.ctx.globalAlpha = this.strength(curve);
      drawBand(plot, bandOf(curve, validated), factor, styleOf(curve.id));
    }
  }

  drawMarks(plot, { key, validated, factor }) {
    for (const [values, colour] of this.expected(validated))
      drawExpected(plot, values, factor, colour);
    for (const curve of this.curves) {
      const { colour, mark } = styleOf(curve.id);
      plot.ctx.globalAlpha = this.strength(curve);
      pointsOf(plot, curve.history[validated], factor).forEach(([x, y], i) => {
        if (this.shows(i + 1) && Number.isFinite(y))
          drawMark(plot.ctx, mark, colour, x, y, 3.5 * devicePixelRatio);
      });
      this.drawEnd(plot, curve, key, factor);
    }
  }

  /** Mark the end of the live curve and of a diverged one. */
  drawEnd(plot, curve, key, factor) {
    const live = curve.id === this.store.live;
    const value = curve.at(key, curve.end)[1];
    if (value === null || !(live || curve.diverged)) return;
    const { colour } = styleOf(curve.id);
    const { ctx, bbox } = plot;
    const [x, y] = pointAt(plot, curve.end, factor * value);
    const bottom = bbox.top + bbox.height;
    const within = clamp(y, bbox.top, bottom);
    const mark = curve.diverged ? "cross" : "circle";
    drawMark(ctx, mark, colour, x, within, 5 * devicePixelRatio);
    if (!curve.diverged || key !== "loss") return;
    ctx.fillStyle = colour;
    ctx.font = `600 ${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = x > bbox.left + bbox.width / 2 ? "right" : "left";
    const beside = (ctx.textAlign === "left" ? 12 : -12) * devicePixelRatio;
    const words = `diverged at iteration ${curve.loss.length.toLocaleString("en")}`;
    ctx.fillText(words, x + beside, Math.min(within + 4 * devicePixelRatio, bottom - 4));
  }

  /** Show the values of all curves at the pointer. */
  read(plot) {
    const { idx, left } = plot.cursor;
    this.readout.hidden = idx === null || idx === undefined || left < 0 || !this.curves.length;
    if (this.readout.hidden) return;
    const epoch = this.epochRead(plot);
    this.readout.replaceChildren(readingTable(epoch, this.curves));
    const width = this.field.clientWidth;
    const x = left + plot.bbox.left / devicePixelRatio;
    const side =
      width < NO_ROOM
        ? { left: 0, right: "auto" }
        : x > width / 2
          ? { right: `${width - x + 14}px`, left: "auto" }
          : { left: `${x + 14}px`, right: "auto" };
    Object.assign(this.readout.style, side);
  }

  /** Return the epoch at the pointer. */
  epochRead(plot) {
    return plot.data[0][plot.cursor.idx];
  }

  /** Move the pointer of the chart to an epoch. */
  readAt(epoch, top = 10) {
    const [plot] = this.plots;
    plot.setCursor({ left: plot.valToPos(epoch, "x"), top });
  }

  select(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    this.zoom([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  /** Show these epochs only, or all (null). */
  zoom(window) {
    this.window = window;
    this.request();
  }

  key(event) {
    if (this.predict.key(event)) {
      event.preventDefault();
      return;
    }
    const [plot] = this.plots;
    const count = this.epochs.length;
    const at = clamp(plot.cursor.idx ?? 0, 0, count - 1);
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -count, End: count }[event.key];
    if (step) {
      const epoch = this.epochs[clamp(at + step * (event.shiftKey ? 10 : 1), 0, count - 1)];
      this.readAt(epoch);
      if (this.curves.length) this.store.say(valuesInWords(epoch, this.curves));
    } else if (event.key === "+" || event.key === "-") {
      this.magnify(this.epochs[at] ?? 0, event.key === "+" ? 0.5 : 2);
    } else if (event.key === "Escape") this.zoom(null);
    else return;
    event.preventDefault();
  }

  /** Zoom in or out around an epoch. */
  magnify(epoch, factor) {
    const [from, to] = this.shownEpochs();
    const all = Math.max(to, ...this.curves.map((curve) => curve.epochs));
    const span = Math.max((to - from) * factor, 0.01);
    const start = clamp(epoch - span / 2, 0, Math.max(all - span, 0));
    this.zoom(span >= all ? null : [start, start + span]);
  }

  fillTable() {
    if (!this.table.open) return; // it is filled when it is opened
    const epochs = Math.max(0, ...this.curves.map((curve) => curve.history.val_loss.length));
    const tables = Array.from({ length: epochs }, (_, i) => readingTable(i + 1, this.curves));
    const about = { tabindex: 0, role: "group", "aria-label": "values of each epoch" };
    const values = element("div", { class: "ml-scroll", ...about }, ...tables);
    const none = element("p", {}, "No epoch has been finished yet.");
    this.table.replaceChildren(this.table.firstChild, epochs ? values : none);
  }
}

const NO_ROOM = 420; // pixels of a chart that has no room for the readout beside the pointer
const LEGEND = "thin: batches · thick: their mean over 100 · marks: validation";
const CHART_HELP =
  "Learning curves: drag to zoom, double click for all; on the keyboard, arrows read values, plus and minus zoom, Escape shows all";

/** Draw within the plot, or so many pixels beyond its edges. */
function clipped({ ctx, bbox }, beyond, draw) {
  const { left, top, width, height } = bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left - beyond, top - beyond, width + 2 * beyond, height + 2 * beyond);
  ctx.clip();
  draw();
  ctx.restore();
}

/** Return the means of the batches among lines of batches and their means. */
function meansOf(lines) {
  return lines.filter((_, i) => i % 2).flatMap((line) => line.filter(Number.isFinite));
}

/** Return a curve's values at an epoch, as texts: loss and accuracy, each with its validation. */
function readings(curve, epoch) {
  const reads = (value, measure) => (value === null ? "–" : reading(value, measure));
  return MEASURES.flatMap((measure) => [
    reads(curve.at(measure.key, epoch)[1], measure),
    reads(curve.validated(measure.validated, epoch), measure),
  ]);
}

/** Return between which validation values the runs of all seeds lie, as texts; none without a band. */
function bandReadings(curve, epoch, between) {
  return MEASURES.flatMap(({ validated, digits, factor, unit }) => {
    const ends = bandAt(curve, validated, epoch).map((value) => (factor * value).toFixed(digits));
    return ends.length ? [`${ends.join(between)}${unit}`] : [];
  });
}

/** Say what the readout shows at an epoch. */
function valuesInWords(epoch, curves) {
  const all = curves.map((curve) => {
    const [loss, validLoss, accuracy, validAccuracy] = readings(curve, epoch);
    const [losses, accuracies] = bandReadings(curve, epoch, " to ");
    const seeds = losses ? `, of all seeds: validation loss ${losses}, accuracy ${accuracies}` : "";
    return `${curve.name}: loss ${loss}, validation ${validLoss}, accuracy ${accuracy}, validation ${validAccuracy}${seeds}`;
  });
  return `Epoch ${Number(epoch.toFixed(2))}. ${all.join(". ")}`;
}

/** Make a table of the values of all curves at an epoch. */
function readingTable(epoch, curves) {
  const rows = curves.flatMap((curve) => {
    const [losses, accuracies] = bandReadings(curve, epoch, "–");
    const own = tableRow([lineSample(curve.id), curve.name], readings(curve, epoch));
    return losses
      ? [own, tableRow("all its seeds", ["", losses, "", accuracies], "ml-seeds")]
      : [own];
  });
  const at = `epoch ${Number(epoch.toFixed(2))}`;
  const head = headRow([at, "loss", "validation", "accuracy", "validation"]);
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
}

function opacity(share) {
  return Math.round(255 * share)
    .toString(16)
    .padStart(2, "0");
}
