"""The figures show the runs' own numbers, say what their axes are, and appear once."""

import base64
import dataclasses
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
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


def test_the_axis_begins_where_it_is_asked_to(run):
    for draw in (lab.plot_accuracy, lambda run, **how: lab.compare([run], **how)):
        assert draw(run, low=88).axes[0].get_ylim()[0] == 88


def test_what_is_a_test_is_called_one(run):
    run.held_out = "test"
    lines = [line.get_label() for line in lab.plot_accuracy(run, fit=True).axes[0].lines]
    assert lines == ["training", "training, measured as test", "test"]
    assert lab.compare([run]).axes[0].get_ylabel() == "test accuracy (%)"
    assert lab.compare([run], "val_loss").alt.startswith("Test loss by epoch")


@pytest.mark.parametrize(
    ("guess", "value", "unit", "said"),
    [
        (85, 90.79, "%", "You predicted 85 %. It is 90.8 %: 5.8 above your prediction."),
        (99.9, 98.22, "%", "You predicted 99.9 %. It is 98.2 %: 1.7 below your prediction."),
        (90.8, np.float32(90.79), "%", "You predicted 90.8 %. It is 90.8 %, as you predicted."),
        (10_000, 7960, "", "You predicted 10,000. It is 7,960: 2,040 below your prediction."),
        (np.int64(1), 2.0, "", "You predicted 1. It is 2: 1 above your prediction."),
        (..., 90.79, "%", "No prediction was written down. It is 90.8 %."),
        (0.5, 0.02, "", "You predicted 0.5. It is 0.02: 0.48 below your prediction."),
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


def test_every_hundredth_iteration_from_the_first_one_on(run):
    run.batch_accuracy[0] = 1
    figure = lab.plot_iterations(run)
    loss, error = figure.axes
    assert loss.get_xlabel() == "iteration (grey lines: ends of epochs)"
    assert (loss.get_ylabel(), error.get_ylabel()) == ("loss", "error (%)")
    curve = loss.get_lines()[-1]
    assert curve.get_xdata().tolist() == [0, 100, 200, 300, 400, 500]
    assert np.array_equal(curve.get_ydata(), run.batch_loss[::100])
    assert error.get_lines()[-1].get_ydata() == pytest.approx(100 - 100 * run.batch_accuracy[::100])
    # A batch without an error has its place on the axis, which a logarithm has not.
    assert np.isfinite(error.transData.transform((0, 0))).all()
    boundaries = [line.get_xdata()[0] for line in loss.get_lines()[:-1]]
    assert boundaries == [200, 400, 600]


def test_grey_lines_are_spoken_of_where_there_are_some(run):
    run.batch_loss, run.batch_accuracy = run.batch_loss[:150], run.batch_accuracy[:150]
    assert lab.plot_iterations(run).axes[0].get_xlabel() == "iteration"


def test_a_diverged_run_can_be_drawn(run):
    run.diverged, run.history = True, {key: [] for key in run.history}
    run.batch_loss = np.array([2.3, 100, 1e30, np.inf], np.float32)
    run.batch_accuracy = np.array([0.1, 0.2, 0.1, 0.1], np.float32)
    figure = lab.plot_iterations(run, every=1)
    assert figure.axes[0].get_yscale() == "log"
    assert "img" in figure._repr_mimebundle_()["text/html"]
    texts = [text.get_text() for text in lab.plot_accuracy(run, fit=True).axes[0].texts]
    assert texts == ["no epoch was finished: the training diverged"]


def test_curves_of_a_run_stand_before_those_of_another_in_grey(run):
    healthy = other_seed(run, "healthy")
    figure = lab.plot_curves(run, healthy)
    for axes, what, factor in zip(figure.axes, ("loss", "accuracy"), (1, 100), strict=True):
        grey, own = axes.get_lines()[:2], axes.get_lines()[2:]
        colours = [{line.get_color() for line in lines} for lines in (grey, own)]
        assert (len(colours[0]), len(colours[1])) == (1, 2)
        assert not colours[0] & colours[1]
        for lines, each in ((grey, healthy), (own, run)):
            for line, key in zip(lines, (what, f"val_{what}"), strict=True):
                assert line.get_ydata() == pytest.approx(factor * np.array(each.history[key]))
    assert figure.axes[0].get_yscale() == "log"
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["healthy: training", "healthy: validation", "training", "validation"]
    assert [len(axes.get_lines()) for axes in lab.plot_curves(run).axes] == [2, 2]


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
    assert figure.axes[2].get_ylim() == (-4, 4)  # the bar that shows the scale


def test_answers_are_marked_by_sign_and_colour(data):
    figure = lab.plot_answers(data.x_train[:2], [5, 0], [[5, 3], [6, 0]], ["", "91 % sure"])
    first, second = figure.axes
    assert (first.get_title(), second.get_title(), second.get_xlabel()) == ("5", "0", "91 % sure")
    assert [text.get_text() for text in second.texts] == ["6✗", "0✓"]
    assert len({text.get_color() for text in second.texts}) == 2
    assert (
        figure.alt
        == "Digits with answers: 5 taken for 5, then 3; 0 taken for 6, then 0, 91 % sure."
    )
    assert lab.plot_answers(data.x_train[:1], [5], [3]).alt == "Digits with answers: 5 taken for 3."
    with pytest.raises(ValueError, match="2 images, 2 labels, 1 answers and 2 notes"):
        lab.plot_answers(data.x_train[:2], [5, 0], [1])


def other_seed(run, name=None):
    history = {key: [value - 0.02 for value in run.history[key]] for key in run.history}
    return dataclasses.replace(run, name=name or run.name, history=history)


def test_runs_of_one_name_are_one_curve_in_a_band(run):
    axes = lab.compare([run, other_seed(run), other_seed(run, "other")]).axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    band_name = "mine, 2 runs, lowest to highest"
    assert list(lines) == [band_name, "other"]
    assert lines[band_name].get_ydata() == pytest.approx([79, 89, 94])
    (band,) = axes.collections
    assert band.get_paths()[0].get_extents().ymax == pytest.approx(95)
    assert band.get_paths()[0].get_extents().ymin == pytest.approx(78)
    assert axes.get_ylabel() == "validation accuracy (%)"


def test_the_gap_is_fit_minus_validation(run):
    axes = lab.compare([run], "gap").axes[0]
    assert axes.get_lines()[0].get_ydata() == pytest.approx([1, 2, 2])
    assert axes.get_ylabel() == "training minus validation accuracy (points)"


def test_the_error_has_a_logarithmic_axis_and_epochs_can_be_marked(run):
    axes = lab.compare([run], "error", mark=(1, 3)).axes[0]
    assert axes.get_lines()[0].get_ydata() == pytest.approx([20, 10, 5])
    assert axes.get_yscale() == "log"
    assert [line.get_xdata()[0] for line in axes.get_lines()[1:]] == [1, 3]
    assert [text.get_text() for text in axes.texts] == ["1", "3"]


def test_a_network_has_one_look_in_all_plots_and_no_quantity_has_it(run):
    names = {"linear": "linear network", "mlp": "MLP", "dropout": "MLP with dropout", "cnn": "CNN"}

    def looks(figure):
        """Colour, dashes and marker by the name in the legend."""
        handles, labels = figure.axes[0].get_legend_handles_labels()
        lines = [getattr(handle, "lines", [handle])[0] for handle in handles]
        return {
            label: (line.get_color(), line.get_marker())
            for label, line in zip(labels, lines, strict=True)
        }

    compared = looks(lab.compare([other_seed(run, name) for name in names]))
    assert list(compared) == list(names.values())
    assert len({color for color, _ in compared.values()}) == 4
    assert lab.plot_accuracy(other_seed(run, "mlp")).axes[0].get_title() == "MLP"
    assert "batch of MLP, by" in lab.plot_iterations(other_seed(run, "mlp")).alt
    alone = looks(lab.compare([other_seed(run, "CNN"), run]))
    assert alone["CNN"] == compared["CNN"]
    assert alone["mine"] not in compared.values()
    by_size = looks(lab.plot_by_size([1, 2], {"cnn": np.eye(2), "MLP": np.eye(2)}))
    assert by_size == {name: compared[name] for name in ("CNN", "MLP")}
    quantities = looks(lab.plot_accuracy(run, fit=True)).values()
    used = {color for color, _ in (*compared.values(), alone["mine"])}
    assert {color for color, _ in quantities}.isdisjoint(used - {"black"})


def test_what_cannot_be_compared_is_refused(run):
    with pytest.raises(ValueError, match="what='speed': it must be one of val_accuracy, error"):
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


def bars(axes):
    """The ends of the bars of each curve, shape (points, 2)."""
    return [
        np.array([segment[:, 1] for segment in container[2][0].get_segments()])
        for container in axes.containers
    ]


def test_survival_with_wilson_intervals():
    figure = lab.plot_survival([0.1, 0.5], {"today": [1, 7 / 30], "clipped": [1, 1]}, 30)
    axes = figure.axes[0]
    assert [container.get_label() for container in axes.containers] == ["today", "clipped"]
    assert axes.containers[0][0].get_ydata() == pytest.approx([100, 700 / 30])
    # Newcombe 1998, and any table: 7 of 30 are 12 to 41 %, 30 of 30 at least 89 %.
    assert bars(axes)[0] == pytest.approx(np.array([[88.65, 100], [11.79, 40.93]]), abs=0.01)
    with pytest.raises(ValueError, match="5 curves in shares: at most 4"):
        lab.plot_survival([0.1], {key: [1] for key in "abcde"}, 30)


def test_figures_have_alternative_text_and_can_be_saved(run, tmp_path):
    for figure in (
        lab.plot_accuracy(run),
        lab.plot_iterations(run),
        lab.plot_curves(run),
        lab.plot_survival([1], {"one": [1]}, 30),
        lab.compare([run]),
        lab.plot_confusion([1, 2], [1, 3]),
    ):
        assert isinstance(figure, Figure)
        shown = figure._repr_mimebundle_()
        assert len(re.search('alt="([^"]*)"', shown["text/html"])[1]) > 20
        figure.savefig(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size > 5000


def test_importing_the_lab_is_quick():
    """And so is what needs no TensorFlow in its own process, as a report on a class."""
    script = (
        "import mnist_lab, mnist_lab.__main__, sys; from mnist_lab.grading import report_class; "
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_values_by_size_with_every_seed_and_the_interval_of_the_mean():
    values = {
        "plain": np.array([[1.0, 5], [2, 5], [3, 5], [4, 5], [5, 5]]),
        "dropout": np.eye(5)[:, :2],
    }
    axes = lab.plot_by_size([100, 1000], values, "test accuracy (%)").axes[0]
    assert [container.get_label() for container in axes.containers] == ["plain", "MLP with dropout"]
    assert axes.containers[0][0].get_ydata() == pytest.approx([3, 5])
    # Student's t for four degrees of freedom, times the standard deviation of 1 to 5, by root 5.
    half = 2.776 * 2.5**0.5 / 5**0.5
    assert bars(axes)[0] == pytest.approx(np.array([[3 - half, 3 + half], [5, 5]]), abs=1e-3)
    assert len(axes.lines) == 2 + 2 * 5 + 2 * 2  # means, seeds, and the caps of the bars
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["100", "1,000"]
    assert axes.get_ylabel() == "test accuracy (%)"
    with pytest.raises(ValueError, match="5 curves in values: at most 4"):
        lab.plot_by_size([1], {str(k): np.zeros((2, 1)) for k in range(5)})


def test_differences_by_size_have_a_line_at_zero():
    lines = lab.plot_by_size([100, 1000], {"gain": np.array([[-1.0, 2], [1, 3]])}).axes[0].lines
    assert list(lines[-1].get_ydata()) == [0, 0]


def test_reliability_in_bins_of_equal_width():
    truth = np.zeros(100, int)
    sure = np.repeat([0.55, 0.75, 0.95], [40, 9, 51])
    said = np.stack([sure, 1 - sure], axis=1)
    said[:10] = said[:10, ::-1]  # makes ten of the least confident answers wrong
    figure = lab.plot_reliability({"one": said, "other": said}, truth)
    axes, below = figure.axes
    many, few = (container[0] for container in axes.containers[:2])
    assert many.get_xdata() == pytest.approx([55, 95])
    assert many.get_ydata() == pytest.approx([75, 100])
    # Nine images are few, and said to be: a hollow point.
    assert (list(few.get_xdata()), few.get_markerfacecolor()) == ([pytest.approx(75)], "white")
    assert below.patches[0].get_data().values == pytest.approx([0] * 5 + [40, 0, 9, 0, 51])
    assert "one; other" in figure.alt
    with pytest.raises(ValueError, match="5 networks in said: at most 4"):
        lab.plot_reliability({str(k): said for k in range(5)}, truth)


def test_errors_along_the_images_are_those_of_each_block():
    wrong = np.zeros((2, 1_050), bool)
    wrong[0, :50] = True  # half of the runs, a tenth of the block's images
    figure = lab.plot_along({"mlp": wrong, "no mistakes": wrong[1]}, size=500)
    mlp, none = figure.axes[0].get_lines()
    assert mlp.get_ydata().tolist() == [5, 0]
    assert mlp.get_xdata().tolist() == [250, 750]
    assert none.get_ydata().tolist() == [0, 0]
    assert figure.alt == "Wrong answers in each 500 images, in their order: MLP; no mistakes."
    with pytest.raises(ValueError, match="5 networks in wrong: at most 4"):
        lab.plot_along({str(name): wrong for name in range(5)})
    with pytest.raises(ValueError, match="size=0"):
        lab.plot_along({"mlp": wrong}, size=0)


def test_a_histogram_counts_all_values_and_says_what_lies_below():
    values = np.array([90.0, 91.0, 91.0, 92.0, 10.0])
    figure = lab.plot_histogram({"linear": values}, "accuracy (%)", low=89, width=1)
    (label,) = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert label == "linear network, 1 of 5 below 89"
    counts = figure.axes[0].patches[0].get_data().values
    assert counts.sum() == 4
    assert counts.max() == 2
    two = lab.plot_histogram({"one": values, "other": values + 1}, "accuracy (%)")
    assert [patch.get_data().values.sum() for patch in two.axes[0].patches[::2]] == [5, 5]
    with pytest.raises(ValueError, match="at most 4"):
        lab.plot_histogram({str(name): values for name in range(5)}, "accuracy (%)")


def test_pictures_of_notebooks_have_few_colours_and_white_paper():
    figure = lab.plot_confusion([0, 1, 2], [0, 1, 1])
    html = figure._repr_mimebundle_()["text/html"]
    picture = Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])))
    assert picture.mode == "P"
    assert len(picture.getcolors(256)) <= 256
    assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)
