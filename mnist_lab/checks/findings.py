"""What a check found, as data, and the sentences made from it at the end."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..course import HALF, Slip, reason_of
from ..descriptions import in_words

REMARK = "remark"  # the topic of a finding that is worth saying, but is not wrong


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes
    ----------
    figure : str
        What it is about, such as "units", "padding" or "not scaled".
    found, asked
        What was found, and what is asked for: numbers, truth values, text, or lists of these;
        None where there is nothing to compare.
    place : str
        Where: a layer, an array, the arguments of a call; empty for the whole.
    topic : str
        The kind of thing: of a network "layers", "optimiser" or "loss" (one figure of them
        differs), "number" (of layers of a kind), "structure", "behaviour", "metrics" or
        "compile"; of arrays "images", "labels" or "data"; of a program "program", "training",
        "batches" or "validation"; else "answer", "slip", "run" or "count"; and "remark" for what
        is not wrong.
    reason : str
        Why it matters, or what to do; perhaps empty.
    parts : tuple of str
        Of the answer, that are wrong for it; none for all. It counts where the question's rubric
        does not say what such a finding costs.
    cost : float
        The share of these parts that it costs, from 0 to 1.
    """

    figure: str
    found: Any = None
    asked: Any = None
    place: str = ""
    topic: str = "answer"
    reason: str = ""
    parts: tuple[str, ...] = ()
    cost: float = 1.0

    @property
    def head(self) -> str:
        """Where it is, or what is wrong, in a few words."""
        return self.place or _sentence(self)[0]

    @property
    def words(self) -> str:
        """The whole finding in one line, without the reason."""
        return ": ".join(filter(None, [self.place, *_sentence(self)]))

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON can hold it."""
        return {
            "place": self.place,
            "figure": self.figure,
            "found": _plain(self.found),
            "asked": _plain(self.asked),
            "topic": self.topic,
            "reason": self.reason,
            "words": self.words,
        }


def faults(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that are wrong, without the remarks."""
    return [each for each in findings if each.topic != REMARK]


def remark(figure: str, found: Any = None, asked: Any = None) -> Finding:
    """A finding that is worth saying, but is not wrong."""
    return Finding(figure, found, asked, topic=REMARK)


def slipped(slip: Slip, topic: str = "slip", parts: tuple[str, ...] = ()) -> Finding:
    """A finding for a usual mistake that the course knows, in these parts of the answer."""
    cost = 1 if slip.free else HALF
    return Finding(slip.what, asked=slip.cure, topic=topic, parts=parts, cost=cost)


def said(what: str, cure: str) -> Finding:
    """A finding in words, about something that cannot be judged at all."""
    return Finding(what, asked=cure, topic="slip")


def with_reasons(findings: Iterable[Finding]) -> list[Finding]:
    """The same findings, each with the course's reason why it matters."""
    return [replace(each, reason=reason_of(each)) for each in findings]


# By the figure of a finding: what is wrong, and what to do about it.
_SENTENCES: dict[str, tuple[str, str]] = {
    # The layers of a network
    "dropout at the beginning": ("dropout before the first layer", ""),
    "dropout at the end": ("dropout after the output layer", ""),
    "another activation": ("after an activation, another one", "{found}"),
    "another softmax": ("after an activation, another one", "{found} (softmax twice)"),
    "order": ("{found}; the part asks for {asked}", ""),
    # What a network does that cannot be read
    "shapes of weights": ("weights have the shapes {found}, the part asks for {asked}", ""),
    "frozen": ("some are frozen (trainable is False)", ""),
    "outputs": (
        "with the same weights and the same images, it computes something else than the part's "
        "network",
        "",
    ),
    "scaled by the network too": (
        "pixels are scaled twice",
        "the network itself divides them by 255",
    ),
    "some dropout": ("there is some, the part asks for none", ""),
    "measured rate": ("its rate is {found:.1f}, the part asks for {asked:g}", ""),
    "measured at the end": ("dropout after the output layer, the part asks for none", ""),
    "raises on an image": ("calling it on an image raises {found}", "{asked}"),
    # Compiling
    "compile": ("{found}", ""),
    "uncompiled": ("it is not compiled", "model.compile(...)"),
    "class": ("{found} is a class", "make an object of it with parentheses, {found}()"),
    "metrics": ("{found}, the part asks for accuracy", ""),
    "metrics for other labels": (
        "{found} (for other labels than the loss, {asked}), the part asks for accuracy",
        "",
    ),
    # Images and labels
    "no data": ("this is {found}", "{asked}"),
    "no numbers": ("its type is {found}, an image is made of numbers", ""),
    "shape of images": (
        "its shape is {found}, an image is 784 numbers in a row, or 28 × 28, or 28 × 28 × 1",
        "x.reshape(-1, 784)",
    ),
    "not finite": ("holds NaN or infinity, which makes every loss NaN", ""),
    "scaled again": ("pixels are scaled twice, here and in the network", "leave Rescaling out"),
    "black and white": (
        "holds only 0 and 1, the grey is lost",
        "divide with / rather than //",
    ),
    "not scaled": ("pixels are not scaled, they go up to 255", "divide them by 255"),
    "scaled twice": ("pixels are scaled twice, they go up to {found:g}", "divide only once"),
    "divided": ("pixels are divided by {found}, not by 255", "the largest pixel is 255"),
    "standardised": (
        "pixels are standardised (mean 0, standard deviation 1), the sheet's go from 0 to 1",
        "divide by 255",
    ),
    "own scale": (
        "each image, row or column has a scale of its own, as keras.utils.normalize or a division "
        "by its own largest pixel gives it",
        "divide all images by 255",
    ),
    "mixed pixels": (
        "each row holds pixels of many images, as reshape(784, -1).T gives it",
        "x.reshape(-1, 784)",
    ),
    "range": ("pixels go from {found[0]:.3g} to {found[1]:.3g}, not from 0 to 1", ""),
    "shape for the network": ("an image has the shape {found}, the network takes {asked}", ""),
    "view": ("the images are {found}", ""),
    "not MNIST": ("these are not (all) images of MNIST", ""),
    "number of images": ("has {found:,} images, the sheet's has {asked:,}", ""),
    "training images": ("{found:,} of its images are training images", ""),
    "validation images": ("{found:,} of its images are validation images", ""),
    "sides": ("training and validation images are swapped", ""),
    "type of labels": ("its type is {found}, a label is a number", ""),
    "one-hot twice": (
        "its shape is {found}, for its labels were made one-hot twice",
        "call to_categorical, or pick rows of np.eye, only once",
    ),
    "labels not finite": ("holds NaN or infinity", ""),
    "columns": ("has {found} columns, one-hot labels have ten, one for each digit", ""),
    "rows": ("a one-hot row holds one 1 and nine 0; here some do not", ""),
    "floats": ("class numbers are whole numbers, here they are floats", "y.astype(int)"),
    "shifted": ("every label is shifted by {found}; a 0 is called {found}", ""),
    "mixed up": (
        "{found:.0%} of the labels are not those of the images; images and labels must keep the "
        "same order",
        "",
    ),
    "one-hot": (
        "labels are one-hot, the loss is a sparse one, for class numbers",
        'compile with "categorical_crossentropy"',
    ),
    # Small answers
    "no function": ("this is {found}", "give the function itself, without brackets"),
    "raises": ("it raises {found}", "{asked}"),
    "returns nothing": ("it returns nothing", "is return missing?"),
    "no layer": ("it returns {found}, not a layer", ""),
    "same layer": (
        "it returns the same layer each time",
        "make a new one in the function",
    ),
    "same for all": (
        "it makes the same layer as {asked}",
        "use the argument of the function",
    ),
    "changes": (
        "the values are right, but it changes {found} itself",
        "make a new array, and leave {found} as it is",
    ),
    "no run": ("this is {found}", "give the Run that lab.train returns"),
    "stopped": ("it was stopped after {found} epochs", ""),
    "diverged": ("it diverged", ""),
    "not so many numbers": ("it is {found}, not {asked} numbers", ""),
    "list": ("it is a {found}", "make an array of it, np.array(...)"),
    "tuple of one": (
        "it is a tuple with one array in it, as np.where gives it",
        "take its [0], or use np.flatnonzero",
    ),
    "kind": ("it is {found}, not {asked}", ""),
    "shape": ("its shape is {found}, it must be {asked}", ""),
    "several truths": (
        "it is True or False for each of {found:,}",
        "one number is asked for; .sum() counts what is True",
    ),
    "several": ("it is an array of shape {found}", "one number is asked for"),
    "not finite number": (
        "it is {found}",
        "somewhere is a division by 0, a logarithm of 0 or the root of a negative number",
    ),
    "other order": ("the numbers are right, but in another order", "{asked}"),
    "rounded": ("it is rounded", "give it as it was computed"),
    "factor": ("every number is {found:.4g} times what it must be", ""),
    "call": ("it is {found}, it must be {asked}", ""),
    "too small": ("{found:,.6g} is too small", ""),
    "too large": ("{found:,.6g} is too large", ""),
    "numbers not right": ("{found:,} of its {asked:,} numbers are not right", ""),
    "far": ("{found:.6g} is too far from what comes out in the long run", "{asked}"),
    # A program of the student's own
    "no program": ("this is {found}", "give what lab.Run.from_keras returns, and the accuracy"),
    "not by fit": (
        "this run comes from lab.train",
        "give the one that lab.Run.from_keras makes of your program's history",
    ),
    "no batch size": (
        "an epoch has {found:,} iterations, it should have {asked}",
        "batch_size=100 is missing in fit, so Keras took batches of 32",
    ),
    "iterations": (
        "an epoch has {found:,} iterations; 60,000 images in batches of 100 make {asked}",
        "look at batch_size, and at how many images fit was given",
    ),
    "fewer epochs": ("its training ended after epoch {found}", "take epochs={asked}"),
    "trained before": (
        "the network had been trained before this fit",
        "build and compile it in the same cell, so that each run starts with new weights",
    ),
    "large losses": (
        "the first losses go up to {found:.3g}, where a network that knows nothing has 2.3",
        "divide the pixels by 255",
    ),
    "no batches": (
        "the losses and accuracies of the batches are missing",
        "give lab.Run.from_keras the two lists that your callback keeps",
    ),
    "one epoch's batches": (
        "only {found:,} of {asked:,} batches were kept, those of one epoch",
        "begin the lists in on_train_begin, not in on_epoch_begin",
    ),
    "batches": (
        "{found:,} batches were kept, the training had {asked:,}",
        "begin both lists in on_train_begin, and append to both in on_train_batch_end",
    ),
    "no shares": (
        "some of the batches' accuracies are above 1",
        "give the losses first, then the accuracies, as shares from 0 to 1",
    ),
    "running means": (
        "the callback kept means over the epoch so far, not each batch's own values",
        "the own value of batch k is k · mean_k − (k − 1) · mean_(k − 1)",
    ),
    "no validation": (
        "there is no validation accuracy",
        "give fit validation_data=(x_valid, y_valid)",
    ),
    "large validation pixels": (
        "the pixels of the validation images are not scaled",
        "prepare x_valid like x_train",
    ),
    "validated on training images": (
        "the validation accuracy is that of 60,000 images",
        "validation_data must be the 10,000 images that the network never trains on",
    ),
    "validation accuracy": (
        "the history ends with a validation accuracy of {found:.2%}, but this network reads "
        "{asked:.2%} of MNIST's validation images",
        "look at what validation_data was given, and whether this is the model that fit trained",
    ),
    "not evaluated": (
        "the accuracy that evaluate gave is missing",
        "give both, as in (own, own_accuracy)",
    ),
    "no accuracy": ("the accuracy is {found}", "give the number"),
    "loss and accuracy": (
        "evaluate returns the loss and the accuracy",
        "take the second of the two",
    ),
    "loss for accuracy": (
        "the number given for the accuracy is the validation loss",
        "evaluate returns the loss first",
    ),
    "evaluated otherwise": (
        "the accuracy is {found:.2%}, the validation accuracy after the last epoch {asked:.2%}",
        "evaluate the network on the validation images, after fit",
    ),
    "unlike the records": (
        "after {found[1]} epochs it reads {found[0]:.1%} of the validation images, the runs on "
        "file {asked[0]:.1%} to {asked[1]:.1%}",
        "nothing else is wrong that a check can see: look at the labels, and at their order",
    ),
    # A program that was mended
    "not all returned": (
        "it returns {found}",
        "return what fit returned, and the four arrays that fit was given, as the program did",
    ),
    "no arrays": ("the arrays that it returns do not go together", "{asked}"),
    "other": ("not all of its images are those that the program was given", ""),
    "size": ("has {found:,} images, the program had {asked:,}", "mend the bug alone"),
    "other epochs": ("fit has epochs={found}", "the program had {asked}; mend the bug alone"),
    "other batches": (
        "an epoch has {found} iterations, with batches of 100 it would have {asked}",
        "mend the bug alone",
    ),
    "other arrays": (
        "the history ends with a validation accuracy of {found:.1%}, but the network reads "
        "{asked:.1%} of the x_valid that is returned",
        "return the arrays that fit was given",
    ),
    "other loss": (
        "the history ends with a validation loss of {found:.3g}, but the network has a loss of "
        "{asked:.3g} on the x_valid that is returned",
        "return the arrays that fit was given",
    ),
    "one answer": (
        "the network gives nearly all images the same answer",
        "its hidden units have died, since the first steps were too large",
    ),
    "reads little": (
        "the network reads only {found:.0%} of new digits, without a bug more than {asked:.0%}",
        "look at its curves again",
    ),
    # Remarks
    "trained": (
        "This model was trained already for {found:,} iterations",
        "build it anew, or train it with a seed, which starts anew.",
    ),
    "not new": (
        "This model was trained already, or its weights were set",
        "build it anew, or train it with a seed, which starts anew.",
    ),
    "copies": (
        "Layers {found} and {asked} start as copies of each other, for their initialisers have "
        "the same seed",
        "leave seed=... out, or give each layer a seed of its own.",
    ),
    "copies of one": (
        "Layers {found} and {asked} start as copies of each other, for they have one and the same "
        "initialiser",
        "make a new one for each layer.",
    ),
    "not compiled": ("It is not compiled yet, so only its layers were judged.", ""),
    "loss of today": (
        "Its loss is today's cross-entropy, and with that the training of this part diverges",
        "lab.ClippedCrossentropy() is the one of 2020.",
    ),
    "divides": (
        "It divides the pixels by 255 itself",
        "right for images as lab.load_mnist gives them, which lab.train then leaves unscaled. "
        "Images that you have scaled already would be scaled twice.",
    ),
    "epsilon": (
        "Adam's epsilon is 1e-07, as usual in Keras, the sheet's 1e-08",
        "it learns as well, but no recorded run fits, and lab.train would train it anew.",
    ),
    "written otherwise": (
        "It computes what the sheet's network does, but a layer or an activation is written in a "
        "way of your own",
        "no recorded run fits, and lab.train would train it anew.",
    ),
    "class numbers": (
        "y_train holds class numbers and the loss takes one-hot labels",
        "lab.train makes them one-hot, model.fit would refuse.",
    ),
    "float64": ("float64 takes twice the memory of float32 and makes nothing better.", ""),
    "labels as numbers": (
        "Class numbers are right, too",
        "lab.train makes them one-hot if need be.",
    ),
    "another order": (
        "The images are in another order than in the file; no recorded run fits.",
        "",
    ),
}
# By the topic, where there are too many figures to list one by one.
_BY_TOPIC: dict[str, tuple[str, str]] = {
    "slip": ("{figure}", "{asked}"),
    "count": ("{figure}", "{asked}"),
    "run": ("{figure} is {found}, the notebook asks for {figure}={asked}", ""),
}
_COMPARED = {"layers", "optimiser", "loss"}
_PLURALS = {"units", "filters", "strides", "initial weights"}


def _sentence(finding: Finding) -> tuple[str, str]:
    """What is wrong, and what to do about it, without the place."""
    figure, found, asked = finding.figure, finding.found, finding.asked
    if finding.topic in _COMPARED:
        verb = "are" if figure in _PLURALS else "is"
        return f"{figure} {verb} {in_words(found)}, the part asks for {in_words(asked)}", ""
    if finding.topic == "number":
        number = f"{found} of" if found else "no"
        return f"{number} {figure}, the part asks for {asked or 'none'}", ""
    what, cure = _BY_TOPIC.get(finding.topic) or _SENTENCES[figure]
    values = {"figure": figure, "found": _joined(found), "asked": _joined(asked)}
    return what.format(**values), cure.format(**values)


def _joined(value: Any) -> Any:
    named = isinstance(value, list) and all(isinstance(part, str) for part in value)
    return ", ".join(value) if named else value


def _plain(value: Any) -> Any:
    """A value that JSON can hold: NaN and infinity become text."""
    infinite = isinstance(value, float) and not math.isfinite(value)
    return str(value) if infinite or isinstance(value, tuple) else value
