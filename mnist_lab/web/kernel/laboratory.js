// The laboratory: it hears what the page asks for, and does it, as `explorer.py` does in Python.

import { loadEngine } from "../engine/engine.js";
import { Network } from "../engine/network.js";
import { Training } from "../engine/training.js";
import { Networks } from "./answers.js";
import { Driver } from "./driving.js";
import { Speeds } from "./estimates.js";
import { Images, imagesValue } from "./images.js";
import { Kept } from "./keeping.js";
import { CHOICES, ignoredWords, linkOf, readLink } from "./link.js";
import { Page } from "./page.js";
import { program } from "./program.js";
import { loadRecord, Playing } from "./records.js";
import { curve, endWords, playedWords, RECORDED } from "./rows.js";
import { Setup } from "./setup.js";
import { Storage } from "./storage.js";
import { grouped } from "./wording.js";

const ALL = CHOICES.at(-1); // training images of every recorded run
const PATIENCE = 5000; // milliseconds until what could not be loaded is asked for again

/** The laboratory of all parts. */
export class Laboratory {
  /** Open it, with the settings of an address; `send` is called with values for the page. */
  static async open(source, send, { link = "" } = {}) {
    const [figures, storage] = await Promise.all([source.json("figures.json"), Storage.open()]);
    const laboratory = new Laboratory(figures, source, storage, send);
    await Promise.all([laboratory.kept.open(), laboratory.speeds.open()]);
    laboratory.page.show({ kept: laboratory.kept.values() });
    laboratory.background = laboratory.follow(link); // the page does not wait for the images
    return laboratory;
  }

  constructor(figures, source, storage, send) {
    Object.assign(this, { figures, source, storage });
    this.networks = new Networks(source);
    this.page = new Page(figures, send, this.networks);
    this.driver = new Driver(this.page, (run, about) => this.keep(run, about));
    this.kept = new Kept(storage);
    this.speeds = new Speeds(storage);
    this.images = new Images(source, (loading) => this.page.show({ loading }));
    this.setup = Setup.ofSheet(figures, Object.keys(figures.parts)[0]);
    this.count = CHOICES[0];
    this.nextTry = -Infinity; // time from which on missing networks are asked for again
  }

  /** What the page can ask for; each gets the message's arguments, and the bytes with it. */
  asks = {
    hello: ({ page }) => this.page.greet(page),
    start: () => this.start(),
    stop: () => this.driver.stop(),
    reset: () => this.set(Setup.ofSheet(this.figures, this.setup.part).values),
    part: ({ part }) => this.choosePart(part),
    move: ({ key, place }) => this.set({ [key]: this.setup.choice(key, place) }),
    overlay: ({ kind, shown }) => this.overlay(kind, shown),
    rename: ({ row, name }) => this.page.change(row, { name }),
    hide: ({ row, hidden }) => this.page.change(row, { hidden }),
    remove: ({ row }) => this.page.remove(row),
    code: ({ row }) => this.showCode(row),
    expect: ({ expected }) => this.page.show({ expected }),
    look: ({ index }) => this.page.lookAt(index),
    go_on: ({ by }) => this.page.goOn(by),
    behind: ({ label, said }) => this.page.showBehind(label, said),
    digit: (_, [pixels]) => this.answer(pixels),
    keep: ({ label }, [image, drawing]) =>
      this.keepDigit(() => this.kept.add(image, label, drawing)),
    unkeep: ({ index }) => this.keepDigit(() => this.kept.remove(index)),
    through: ({ wish }) => this.page.through.want(wish),
    // Of the page alone.
    images: ({ count }) => this.useImages(count),
    play: ({ part, seed, pace }) => this.play(part, seed, pace),
    pace: ({ pace }) => this.setPace(pace),
    step: () => this.playing?.step(),
    link: ({ text }) => this.follow(text),
  };

  /** Do what the page asks for; what goes wrong is said there. */
  async hear({ ask, ...about }, buffers = []) {
    try {
      await this.asks[ask](
        about,
        buffers.map((buffer) => new Uint8Array(buffer)),
      );
    } catch (problem) {
      this.page.say(problem.message, true);
    }
  }

  /** Move controls; the linear part trains at once. */
  set(values) {
    this.use(this.setup.moved(values));
    if (this.setup.part !== "linear") return;
    this.driver.drop("linear");
    this.start();
  }

  /** Switch to another part, with the controls at the sheet's values. */
  choosePart(part) {
    this.use(Setup.ofSheet(this.figures, part));
    this.page.showRows();
    return this.loadRecorded();
  }

  /** Take the settings of an address, and say what of it is left out. */
  follow(link) {
    const { setup, images, ignored } = readLink(link, this.figures, this.setup.part);
    const words = ignoredWords(ignored);
    if (words) this.page.say(words);
    this.use(setup);
    this.page.showRows();
    return Promise.all([this.useImages(images), this.loadRecorded()]);
  }

  use(setup) {
    this.setup = setup;
    this.showSetup();
    this.page.show({ link: linkOf(setup, this.count) });
  }

  showSetup() {
    this.page.showSetup(this.setup, this.speeds.estimate(this.setup, this.count));
  }

  /** Train with the values of the controls. */
  start() {
    const { setup, count } = this;
    this.driver.start(setup.part, () => this.prepared(setup, count));
  }

  async prepared(setup, count) {
    if (this.images.loaded < count) this.page.say("Start waits for the images…");
    const [engine, data] = await Promise.all([this.engine(), this.images.of(count)]);
    const { part, values, name, words } = setup;
    const network = new Network(engine, part, values);
    const training = new Training(network, data, { ...values, name });
    const ending = (ended, run) => endWords(ended, run, values.learning_rate);
    return { training, part, about: { setup, words, count }, ending };
  }

  engine() {
    this.compiling ??= this.source.bytes("engine.wasm").then(loadEngine);
    this.compiling.catch(() => delete this.compiling); // to try again with the next Start
    return this.compiling;
  }

  /** Put a finished run into the table, and remember its speed. */
  keep(run, about) {
    if (run.history.loss.length && !about.played) this.speeds.remember(about.setup, run);
    this.page.keep(run, about);
    this.use(this.setup);
    this.page.showRows();
  }

  /** Play a recorded run as if it trained. */
  play(part, seed, pace) {
    this.driver.start(part, async () => {
      const setup = Setup.ofSheet(this.figures, part).moved({ seed });
      const record = await loadRecord(this.source, part, seed);
      const training = new Playing(record, pace, `${part}, recorded`);
      this.playing = training;
      this.page.show({ playing: { pace } });
      const words = [["the recorded run", true], ...setup.words];
      const about = { setup, words, count: ALL, played: true };
      return { training, part, about, ending: playedWords };
    });
  }

  setPace(pace) {
    if (!this.page.shown.playing) return;
    this.playing.pace = pace;
    this.page.show({ playing: { pace } });
  }

  /** Train on so many images from now on, and load them in the background. */
  async useImages(count) {
    this.count = count;
    this.use(this.setup);
    this.showImages();
    this.engine().catch(() => {}); // the first Start finds it, or says why not
    await this.load(count);
    this.showImages();
    await this.trySpeed().catch(() => {}); // what goes wrong there, Start says
  }

  /** Find out how fast this device is, unless it has something better to do. */
  async trySpeed() {
    if (this.page.shown.running || !this.images.loaded) return;
    await this.speeds.try(await this.engine(), this.images.train);
    this.showSetup();
  }

  /** Load images and the networks on file; say what cannot be loaded, and what still works. */
  async load(count) {
    const problems = new Set();
    const note = ({ message }) => problems.add(message);
    await this.loadFirst().catch(note);
    await this.networks.load().catch(note);
    if (this.page.digit) this.page.answer(this.page.digit);
    else this.page.through.show();
    if (this.images.loaded) await this.images.of(count).catch(note);
    if (this.images.loaded < count) problems.add(this.withoutImages());
    if (problems.size) this.page.show({ loading: { words: [...problems].join(" "), share: null } });
  }

  /** Show the networks' answers for a drawn digit; those that are missing are asked for again. */
  async answer(pixels) {
    this.page.answer(pixels);
    if (!this.networks.missing || performance.now() < this.nextTry) return;
    this.nextTry = performance.now() + PATIENCE;
    await this.load(this.count);
  }

  /** Load the images that are used at first, and show those of the validation. */
  async loadFirst() {
    const { valid } = await this.images.of(CHOICES[0]);
    if (!this.page.digits.labels.length) this.page.showDigits(await valid);
  }

  /** Go back to the images that are there, and say what works with them. */
  withoutImages() {
    const { loaded } = this.images;
    if (!loaded) return "Recorded runs can be played.";
    this.count = CHOICES.findLast((choice) => choice <= loaded);
    this.use(this.setup);
    return `The first ${grouped(loaded)} images are here.`;
  }

  showImages() {
    this.page.show({ images: imagesValue(this.count, this.images.loaded) });
  }

  /** Show or hide a curve to compare with. */
  overlay(kind, shown) {
    this.page.overlay(kind, shown);
    return this.loadRecorded();
  }

  /** Load the recorded run of the part if it is to be compared with. */
  async loadRecorded() {
    const { part } = this.setup;
    if (!this.page.shown.overlays[RECORDED] || this.page.records.has(part)) return;
    const record = await loadRecord(this.source, part, 0);
    this.page.records.set(part, { ...curve(RECORDED, record), name: RECORDED });
    this.page.sendOverlays();
  }

  showCode(row) {
    const { setup, count } = this.page.row(row);
    const text = program(setup, count, ALL);
    this.page.send({ code: { row, text } });
  }

  /** Change the kept digits. */
  async keepDigit(change) {
    await change();
    this.page.show({ kept: this.kept.values() });
  }
}
