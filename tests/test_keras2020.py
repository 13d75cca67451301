"""docs/keras2020.md for owners of the 2020 code: its code does what the page says."""

import re
import warnings

import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab import places

PAGE = (places.here.home / "docs" / "keras2020.md").read_text("utf-8")
OLD, NEW, COMPARED = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ROWS = re.findall(r"^\| `(.+)` \| `(.+)` \| `(.+)` \|$", PAGE, re.MULTILINE)


@pytest.mark.gate
def test_the_old_code_stops_where_the_page_says_and_then_runs(data, monkeypatch, capsys):
    pairs = (data.x_train, data.y_train), (data.x_valid, data.y_valid)
    monkeypatch.setattr("keras.datasets.mnist.load_data", lambda: pairs)
    code = OLD.replace("epochs=17", "epochs=1")
    assert len(ROWS) == 5
    for line, says, instead in ROWS:
        with pytest.raises((ImportError, NameError, ValueError, KeyError)) as failure:
            exec(code, {"__name__": "old"})
        assert f"{failure.type.__name__}: {failure.value}".startswith(says)
        assert line in code
        code = code.replace(line, instead)
    names = {"__name__": "old"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(code, names)
    assert any("input_shape" in str(warning.message) for warning in caught)
    assert set(names["batches"].accuracies) == {None}
    capsys.readouterr()


@pytest.mark.gate
def test_the_new_code_agrees_with_the_lab(capsys):
    names = {"__name__": "new"}
    exec(NEW + COMPARED, names)
    assert np.abs(names["losses"] - names["run"].batch_loss)[:10].max() < 1e-4
    assert isinstance(names["run"], lab.Run)
    assert names["history"].history["val_accuracy"][0] == pytest.approx(
        names["run"].val_accuracy, abs=0.02
    )
    capsys.readouterr()
