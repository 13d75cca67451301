// The values that the page shows, and the methods that change and send them.

import { Digits, inHalves } from "./digits.js";
import { curve, RECORDED, rowValues, SHEET, sheetCurve } from "./rows.js";
import { Through } from "./through.js";
import { report } from "./wording.js";

const BUSY = "The page is busy, and answers in a moment.";

/** What the page shows. It gets all values first, then changes, as from Python. */
export class Page {
  constructor(figures, send, networks) {
    Object.assign(this, { figures, send, networks, rows: [], digit: null, live: null, count: 0 });
    this.shown = {};
    this.records = new Map(); // recorded runs by part, as far as they are loaded
    this.digits = new Digits();
    this.through = new Through(send, this.digits, () => networks.atHand(this.rows));
    const parts = Object.entries(figures.parts).map(([key, { title }]) => [key, title]);
    this.show({ parts, overlays: { [SHEET]: false, [RECORDED]: false }, live: null });
    this.show({ running: false, status: { text: "", alert: false }, rows: [], expected: {} });
    this.show({ records: figures.records, playing: null, loading: null, busy: BUSY });
  }

  /** Send values to the page, and keep them for when it asks for all. */
  show(values) {
    Object.assign(this.shown, values);
    this.send(values);
  }

  /** Set the text below the buttons. */
  say(text, alert = false) {
    this.show({ status: { text, alert } });
  }

  /** Send all values, curves included. */
  greet(page) {
    const curves = this.rows.map(({ number, run }) => curve(number, run));
    if (this.live) curves.push(curve(this.count, this.live));
    this.send({ ...this.shown, curves: [...curves, ...this.overlays()], page });
  }

  /** Show the validation digits, once they are loaded. */
  showDigits(valid) {
    this.digits.fill(valid);
    this.show(this.digits.sight());
  }

  /** Show the controls, the number of parameters and the estimated time. */
  showSetup(setup, estimate) {
    if (this.shown.part !== setup.part) this.show({ part: setup.part, choices: setup.choices() });
    this.show({ controls: setup.controls(), parameters: setup.parameters, estimate });
  }

  /** Show the table, and its networks' answers for the drawn digit. */
  showRows() {
    this.show({ rows: this.rows.map(rowValues) });
    this.sendOverlays();
    if (this.digit) this.answer(this.digit);
    else this.through.show();
  }

  /** Show a training that begins. */
  begin(run, network) {
    Object.assign(this, { live: run, sent: 0 });
    this.through.training = Boolean(network); // a recorded run has none to see through
    run.expected = this.shown.expected;
    this.show({ live: this.count, expected: {} });
    this.send({ curves: [curve(this.count, run)] });
  }

  /** Show a training's new batches and a glimpse of its network, in one message. */
  follow(run, network, glimpses, speaks) {
    const open = network && !run.diverged;
    const news = open ? glimpses.look(run, this.digit) : {};
    const seen = open ? this.through.live(network, run) : {};
    if (news.confusion) this.confused = run;
    if (speaks && run.batch_loss.length)
      news.status = { text: report(run, !network), alert: false };
    Object.assign(this.shown, news);
    this.send({ ...news, ...seen, curves: [curve(this.count, run, this.sent)] });
    this.sent = run.batch_loss.length;
  }

  /** Append a finished run to the table. */
  keep(run, about) {
    this.rows.push({ number: this.count, run, hidden: false, ...about });
    this.count += 1;
    if (!run.val_probabilities) return;
    run.val_probabilities = inHalves(run.val_probabilities);
    this.confused = run;
    this.show({ ...this.digits.see(run), ...this.digits.confusion(run) });
  }

  /** Show that a training has ended, unless a newer one has taken over (`speaks`). */
  end(words, alert, speaks) {
    this.live = null;
    this.show({ playing: null });
    if (speaks) {
      this.say(words, alert);
      this.show({ running: false, live: null, training: null });
    }
    this.through.ended();
  }

  /** Show or hide a curve to compare with. */
  overlay(kind, shown) {
    this.show({ overlays: { ...this.shown.overlays, [kind]: shown } });
    this.sendOverlays();
  }

  sendOverlays() {
    this.send({ curves: this.overlays() });
  }

  overlays() {
    const { overlays, part } = this.shown;
    const made = {
      [SHEET]: () => sheetCurve(this.figures.parts[part]),
      [RECORDED]: () => this.records.get(part),
    };
    const kinds = Object.keys(overlays).filter((kind) => overlays[kind]);
    return kinds.map((kind) => made[kind]()).filter(Boolean);
  }

  /** Change a row of the table. */
  change(number, values) {
    const row = this.row(number);
    if ("name" in values) row.run.name = values.name;
    else Object.assign(row, values);
    this.showRows();
  }

  /** Remove a run from the table. */
  remove(number) {
    this.rows = this.rows.filter((row) => row.number !== number);
    this.showRows();
  }

  row(number) {
    return this.rows.find((row) => row.number === number);
  }

  /** Select a validation digit. */
  lookAt(index) {
    this.show(this.digits.lookAt(index));
    this.through.show();
  }

  /** Select the next digit, or the one before. */
  goOn(by) {
    this.show(this.digits.goOn(by));
    this.through.show();
  }

  /** Show the digits that a field of the confusion matrix counts. */
  showBehind(label, said) {
    this.show(this.digits.behind(this.confused, label, said));
  }

  /** Show all networks' answers for a drawn digit. */
  answer(digit) {
    this.digit = this.through.drawn = digit;
    this.show({ answers: this.networks.answers(digit, this.rows) });
    this.through.show();
  }
}
