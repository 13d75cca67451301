// The cross-entropy of a softmax: today's, and that of 2020 with clipped probabilities.

const LOWEST = Math.fround(1e-7);
const HIGHEST = Math.fround(1 - 1e-7);

/** Replace an image's logits by probabilities; return its loss, and whether it moves weights. */
export function crossEntropy(logits, label, clipped) {
  const largest = logits.reduce((most, value) => Math.max(most, value));
  const above = logits[label] - largest;
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - largest);
  for (let i = 0; i < logits.length; i++) logits[i] = Math.exp(logits[i] - largest) / sum;
  if (!clipped) return { loss: Math.log(sum) - above, moves: true };
  const bounded = Math.min(Math.max(logits[label], LOWEST), HIGHEST);
  return { loss: -Math.log(bounded), moves: bounded === logits[label] };
}

/** Write the gradient of an image's loss by its logits, its share of a batch's. */
export function crossEntropyBack(probabilities, label, share, gradients) {
  for (let i = 0; i < gradients.length; i++) {
    gradients[i] = (probabilities[i] - (i === label ? 1 : 0)) * share;
  }
}
