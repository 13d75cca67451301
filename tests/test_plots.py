"""The figures show the runs' own numbers, say what their axes are, and appear once."""

import dataclasses
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from samples import settings

import mnist_lab as lab


@pytest.fixture
def run():
    rng = np.random.default_rng(0)
    values = {key: rng.random(3).tolist() for key in ("loss", "accuracy", "val_loss")}
    return lab.Run(
        "mine",
        settings(steps_per_epoch=200),
        history={**values, "val_accuracy": [0.8, 0.9, 0.95], "fit_accuracy": [0.81, 0.92, 0.97]},
        batch_loss=rng.random(600).astype(np.float32),
        batch_accuracy=rng.random(600).astype(np.float32),
    )


def test_accuracy_by_epoch(run):
    axes = lab.plot_accuracy(run).axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines) == ["training", "validation"]
    assert lines["validation"].get_xdata().tolist() == [1, 2, 3]
    assert lines["validation"].get_ydata() == pytest.approx([80, 90, 95])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "accuracy (%)")
    # The lines differ in black and white, too.
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines.values()}) == 2


def test_fit_accuracy_is_added_on_demand(run):
    lines = {line.get_label(): line for line in lab.plot_accuracy(run, fit=True).axes[0].lines}
    assert lines["training, measured as validation"].get_ydata() == pytest.approx([81, 92, 97])


@pytest.mark.parametrize(
    ("guess", "value", "unit", "said"),
    [
        (85, 90.79, "%", "You predicted 85 %. It is 90.8 %: 5.8 above your prediction."),
        (99.9, 98.22, "%", "You predicted 99.9 %. It is 98.2 %: 1.7 below your prediction."),
        (90.8, np.float32(90.79), "%", "You predicted 90.8 %. It is 90.8 %, as you predicted."),
        (10_000, 7960, "", "You predicted 10,000. It is 7,960: 2,040 below your prediction."),
        (np.int64(1), 2.0, "", "You predicted 1. It is 2: 1 above your prediction."),
        (..., 90.79, "%", "No prediction was written down. It is 90.8 %."),
    ],
)
def test_a_prediction_stands_beside_what_came_out(guess, value, unit, said, capsys):
    assert lab.compare_guess(guess, value, unit) is None
    assert capsys.readouterr().out == f"{said}\n"


@pytest.mark.parametrize("guess", ["85 %", None, True, (80, 90), float("nan"), np.array([85])])
def test_a_prediction_that_is_no_number_is_refused(run, guess):
    for show in (
        lambda: lab.compare_guess(guess, 90),
        lambda: lab.plot_accuracy(run, guess=guess),
        lambda: lab.compare([run], guess=guess),
    ):
        with pytest.raises(
            ValueError, match=r"write a number alone, or leave the \.\.\. as it was"
        ):
            show()


def test_a_prediction_is_one_dotted_line(run):
    for draw in (lab.plot_accuracy, lambda run, **how: lab.compare([run], **how)):
        plain, guessed = draw(run), draw(run, guess=85)
        line = guessed.axes[0].get_lines()[-1]
        assert len(guessed.axes[0].get_lines()) == len(plain.axes[0].get_lines()) + 1
        assert (line.get_linestyle(), line.get_label()) == (":", "your prediction")
        assert list(line.get_ydata()) == [85, 85]
        assert guessed.alt == f"{plain.alt} Your prediction: 85."
        labels = [text.get_text() for text in guessed.axes[0].get_legend().get_texts()]
        assert labels[-1] == "your prediction"


def test_every_hundredth_iteration(run):
    figure = lab.plot_iterations(run)
    loss, accuracy = figure.axes
    assert loss.get_xlabel().startswith("iteration")
    assert loss.get_ylabel() == "loss"
    assert accuracy.get_ylabel() == "accuracy (%)"
    curve = loss.get_lines()[-1]
    assert curve.get_xdata().tolist() == [100, 200, 300, 400, 500, 600]
    assert np.array_equal(curve.get_ydata(), run.batch_loss[99::100])
    assert accuracy.get_lines()[-1].get_ydata() == pytest.approx(100 * run.batch_accuracy[99::100])
    boundaries = [line.get_xdata()[0] for line in loss.get_lines()[:-1]]
    assert boundaries == [200, 400, 600]


def test_a_diverged_run_can_be_drawn(run):
    run.diverged, run.history = True, {key: [] for key in run.history}
    run.batch_loss = np.array([2.3, 100, 1e30, np.inf], np.float32)
    run.batch_accuracy = np.array([0.1, 0.2, 0.1, 0.1], np.float32)
    figure = lab.plot_iterations(run, every=1)
    assert figure.axes[0].get_yscale() == "log"
    assert "img" in figure._repr_mimebundle_()["text/html"]
    texts = [text.get_text() for text in lab.plot_accuracy(run, fit=True).axes[0].texts]
    assert texts == ["no epoch was finished: the training diverged"]


@pytest.mark.parametrize("every", [0, -3, 1.5])
def test_every_out_of_range_is_refused(run, every):
    with pytest.raises(ValueError, match=f"every={every}: it must be a whole number from 1 to"):
        lab.plot_iterations(run, every=every)


@pytest.mark.parametrize("iterations", [0, 1, 87])
def test_a_run_shorter_than_the_distance_is_drawn_batch_by_batch(run, iterations):
    run.batch_loss, run.batch_accuracy = (
        run.batch_loss[:iterations],
        run.batch_accuracy[:iterations],
    )
    figure = lab.plot_iterations(run)
    assert len(figure.axes[0].get_lines()[-1].get_xdata()) == iterations
    assert "of every batch" in figure.alt


def test_digits(data):
    figure = lab.plot_digits(data.x_train[:13], data.y_train[:13])
    assert [axes.get_title() for axes in figure.axes[:3]] == ["5", "0", "4"]
    shown = figure.axes[2].get_images()[0].get_array()
    assert np.array_equal(shown, data.x_train[2])
    with pytest.raises(ValueError, match="13 images and 2 labels"):
        lab.plot_digits(data.x_train[:13], [1, 2])


def test_weights_are_drawn_on_one_scale_around_zero():
    weights = np.array([[[0, 2.0]], [[-4, 1]]])
    figure = lab.plot_digits(weights, ["a", "b\nsecond line"])
    assert [axes.get_images()[0].get_clim() for axes in figure.axes[:2]] == [(-4, 4), (-4, 4)]
    assert figure.alt == "Images with labels: a; b, second line."


def other_seed(run, name=None):
    history = {key: [value - 0.02 for value in run.history[key]] for key in run.history}
    return dataclasses.replace(run, name=name or run.name, history=history)


def test_runs_of_one_name_are_one_curve_in_a_band(run):
    axes = lab.compare([run, other_seed(run), other_seed(run, "other")]).axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines) == ["mine, 2 runs", "other"]
    assert lines["mine, 2 runs"].get_ydata() == pytest.approx([79, 89, 94])
    (band,) = axes.collections
    assert band.get_paths()[0].get_extents().ymax == pytest.approx(95)
    assert band.get_paths()[0].get_extents().ymin == pytest.approx(78)
    assert axes.get_ylabel() == "validation accuracy (%)"


def test_the_gap_is_fit_minus_validation(run):
    axes = lab.compare([run], "gap").axes[0]
    assert axes.get_lines()[0].get_ydata() == pytest.approx([1, 2, 2])
    assert axes.get_ylabel() == "training minus validation accuracy (points)"


def test_what_cannot_be_compared_is_refused(run):
    with pytest.raises(ValueError, match="what='speed': it must be one of val_accuracy, fit"):
        lab.compare([run], "speed")
    with pytest.raises(ValueError, match="5 names of runs: at most 4"):
        lab.compare([other_seed(run, name) for name in "abcde"])


def test_runs_without_an_epoch_are_left_out_of_a_comparison(run):
    early = lab.Run("early", settings())
    assert [line.get_label() for line in lab.compare([early, run]).axes[0].lines] == ["mine"]
    assert lab.compare([early]).axes[0].get_legend() is None


def test_confusion():
    figure = lab.plot_confusion([4, 4, 4, 4, 7], [4, 9, 9, 4, 7])
    axes = figure.axes[0]
    assert [(text.get_text(), text.get_position()) for text in axes.texts] == [("2", (9, 4))]
    assert "most often 4 for 9, 2 times" in figure.alt
    shares = [label.get_text() for label in axes.child_axes[0].get_yticklabels()]
    assert (shares[4], shares[7]) == ("50.0 % right", "100.0 % right")


def test_confusion_of_more_classes():
    figure = lab.plot_confusion([26, 26, 1], [26, 1, 1])
    axes = figure.axes[0]
    assert [(text.get_text(), text.get_position()) for text in axes.texts] == [("1", (1, 26))]
    assert len(axes.get_xticks()) == 27


def test_survival():
    figure = lab.plot_survival([0.1, 0.5], {"today": [1, 0.2], "clipped": [1, 1]})
    lines = figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["today", "clipped"]
    assert lines[0].get_ydata() == pytest.approx([100, 20])
    with pytest.raises(ValueError, match="5 curves in shares: at most 4"):
        lab.plot_survival([0.1], {key: [1] for key in "abcde"})


def test_figures_have_alternative_text_and_can_be_saved(run, tmp_path):
    for figure in (
        lab.plot_accuracy(run),
        lab.plot_iterations(run),
        lab.plot_survival([1], {"one": [1]}),
        lab.compare([run]),
        lab.plot_confusion([1, 2], [1, 3]),
    ):
        assert isinstance(figure, Figure)
        shown = figure._repr_mimebundle_()
        assert len(re.search('alt="([^"]*)"', shown["text/html"])[1]) > 20
        figure.savefig(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size > 5000


def test_importing_the_lab_is_quick():
    script = "import mnist_lab, mnist_lab.__main__, sys; print('tensorflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_values_by_size_with_every_seed():
    rng = np.random.default_rng(0)
    values = {"plain": rng.random((5, 3)), "dropout": rng.random((5, 3))}
    axes = lab.plot_by_size([100, 1000, 10000], values, "test accuracy (%)").axes[0]
    means = [line for line in axes.lines if not line.get_label().startswith("_")]
    assert [line.get_label() for line in means] == ["plain", "dropout"]
    assert means[1].get_ydata() == pytest.approx(values["dropout"].mean(axis=0))
    assert len(axes.lines) == 2 + 2 * 5
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["100", "1,000", "10,000"]
    assert axes.get_ylabel() == "test accuracy (%)"
    with pytest.raises(ValueError, match="5 curves in values: at most 4"):
        lab.plot_by_size([1], {str(k): np.zeros((1, 1)) for k in range(5)})


def test_reliability_in_bins_of_equal_width():
    truth = np.zeros(100, int)
    sure = np.repeat([0.55, 0.75, 0.95], [40, 9, 51])
    said = np.stack([sure, 1 - sure], axis=1)
    said[:10] = said[:10, ::-1]  # makes ten of the least confident answers wrong
    figure = lab.plot_reliability({"one": said, "other": said}, truth)
    line = figure.axes[0].containers[0][0]
    # Nine images are too few for a point.
    assert line.get_xdata() == pytest.approx([55, 95])
    assert line.get_ydata() == pytest.approx([75, 100])
    assert "one; other" in figure.alt
    with pytest.raises(ValueError, match="5 networks in said: at most 4"):
        lab.plot_reliability({str(k): said for k in range(5)}, truth)
