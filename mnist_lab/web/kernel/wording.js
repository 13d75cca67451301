// Numbers in words, exactly as Python puts them.

/** Write a number with so many digits after the point; a tie goes to the even digit. */
export function fixed(value, digits) {
  const rounded = value.toFixed(digits);
  const exact = value.toFixed(80);
  const cut = exact.length - 80 + digits;
  const tie = /^50*$/.test(exact.slice(cut));
  if (!tie) return rounded;
  const down = exact.slice(0, cut).replace(/\.$/, "");
  return Number(down.at(-1)) % 2 ? rounded : down;
}

/** Write a number as Python's `:g` does, with so many digits in all. */
export function general(value, digits = 6) {
  if (value === 0) return "0";
  const [figures, power] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  const plain = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < digits) return plain(fixed(value, digits - 1 - exponent));
  const sign = exponent < 0 ? "-" : "+";
  return `${plain(figures)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** Write a share as a percentage, such as 98.3%. */
export function percentage(share) {
  return `${fixed(100 * share, 1)}%`;
}

/** Write a whole number with commas. */
export function grouped(count) {
  return count.toLocaleString("en");
}

/** Put seconds into words: "0.9 s", "42 s", "3 min 20 s", "2 h 5 min". */
export function duration(seconds) {
  if (seconds < 10) return `${fixed(seconds, 1)} s`;
  if (seconds < 60) return `${fixed(seconds, 0)} s`;
  const whole = Number(fixed(seconds, 0));
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Describe a training's progress in one line, as `training/reports.py` does; a played one's, too. */
export function report(run, played = false) {
  const [done, total] = [run.batch_loss.length, run.epochs * run.steps];
  const finished = run.history.loss.length;
  const last = run.batch_loss.subarray(-100);
  const mean = last.reduce((sum, value) => sum + value, 0) / last.length;
  const left = duration((run.seconds / done) * (total - done));
  const soFar = duration(run.seconds);
  return [
    `epoch ${Math.min(finished + 1, run.epochs)}/${run.epochs}`,
    `iteration ${grouped(done)}/${grouped(total)}`,
    `loss ${fixed(mean, 3)}`,
    ...(finished ? [`validation accuracy ${percentage(run.history.val_accuracy.at(-1))}`] : []),
    played ? `it took ${soFar} to here` : done < total ? `${left} left` : soFar,
  ].join(" · ");
}

/** Say at which iteration a run diverged, and which learning rate to try. */
export function divergence(run, rate) {
  return (
    `Diverged: from iteration ${grouped(run.batch_loss.length)} on, the loss is not a finite ` +
    `number. Try a smaller learning rate than ${general(rate)}, say ${general(rate / 3, 1)}.`
  );
}
