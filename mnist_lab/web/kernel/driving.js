// Runs the laboratory's trainings and recorded runs, one after the other.

import { Glimpses } from "./glimpses.js";

const NOT_BEGUN = "Stopped before it began.";

/** Trains, or plays a record, and shows that on the page. */
export class Driver {
  constructor(page, keep) {
    Object.assign(this, { page, keep, task: null });
  }

  /**
   * Start as soon as a stopped training has ended; refuse while another one runs. `prepare`
   * returns a training that is ready to run, with its setup and with the words for its end.
   */
  start(part, prepare) {
    if (this.task && !this.task.stopped)
      return this.page.say("Another training is running: stop it or wait for it.", true);
    const before = this.task?.ended;
    const task = { part, stopped: false, kept: true };
    this.task = task;
    this.page.show({ running: true });
    task.ended = this.work(task, prepare, before);
    return task.ended;
  }

  /** Ask the training to stop, show that on the page, and keep the run. */
  stop() {
    if (!this.task || this.task.stopped) return;
    this.task.stopped = true;
    this.page.say("stopping…");
  }

  /** Ask a training of this part to stop, and drop its run. */
  drop(part) {
    if (this.task?.part === part) Object.assign(this.task, { stopped: true, kept: false });
  }

  /** Wait until the training is done. */
  async wait() {
    await this.task?.ended;
  }

  async work(task, prepare, before) {
    await before;
    let [words, alert] = [NOT_BEGUN, false];
    try {
      if (!task.stopped) [words, alert] = await this.train(task, prepare);
    } catch (problem) {
      [words, alert] = [problem.message, true]; // whatever it is, the student has to see it
      console.error(problem);
    }
    task.stopped = true; // from now on Start is accepted
    this.page.end(words, alert, task === this.task);
  }

  async train(task, prepare) {
    this.page.say("starting…");
    const { training, part, about, ending } = await prepare();
    const { run, network } = training;
    try {
      if (task.stopped) return [NOT_BEGUN, false];
      const glimpses = network && new Glimpses(network, part, this.page.digits);
      this.page.begin(run, network);
      const ended = await training.train(() => {
        this.page.follow(run, network, glimpses, task === this.task && !task.stopped);
        return task.stopped;
      });
      if (network && ended !== "diverged") run.weights = network.weights;
      if (task.kept && run.batch_loss.length) this.keep(run, about);
      return [ending(ended, run), run.diverged];
    } finally {
      network?.free();
    }
  }
}
