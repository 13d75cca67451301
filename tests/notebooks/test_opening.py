"""JupyterLab on a student's copies, whatever they are called."""

from jupyterlab.labapp import LabApp

from mnist_lab import places
from mnist_lab.notebooks import open_lab


def test_the_first_copy_is_opened_whatever_it_is_called(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(LabApp, "launch_instance", asked.extend)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")
    (tmp_path / "1 #a%20?.ipynb").write_bytes(
        (places.here.exercises / "1_linear.ipynb").read_bytes()
    )
    open_lab(tmp_path)
    assert "--LabApp.default_url=/lab/tree/1%20%23a%2520%3F.ipynb" in asked
