"""The wheel is the product: from an empty folder to the first cell, without a clone."""

import json
import os
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import nbformat
import pytest
from environments import make_environment

ROOT = Path(__file__).parents[1]
BOOKS = ["1_linear", "2_mlp", "3_dropout", "4_cnn", "5_comparison", "6_beyond", "glossary"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def unpacked(wheel):
    """The wheel's files, as an installer puts them in place."""
    zipfile.ZipFile(wheel).extractall(wheel.parent / "installed")
    return os.environ | {"PYTHONPATH": str(wheel.parent / "installed")}


def call(environment, folder, *arguments):
    command = [sys.executable, "-m", "mnist_lab", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_it_brings_the_laboratory_s_page(unpacked):
    front = Path(unpacked["PYTHONPATH"]) / "mnist_lab" / "laboratory" / "front"
    here = ROOT / "mnist_lab" / "laboratory" / "front"
    files = {path.relative_to(here) for path in here.rglob("*.*")} | {Path("uPlot/LICENSE")}
    assert all((front / file).read_bytes() == (here / file).read_bytes() for file in files)


def test_it_brings_data_and_notebooks(unpacked, tmp_path):
    script = (
        "import mnist_lab as lab; print(lab.__file__, lab.load_mnist(), lab.load_records('cnn'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=unpacked,
        capture_output=True,
        text=True,
        check=True,
    )
    assert unpacked["PYTHONPATH"] in done.stdout
    assert "MNIST: 60,000 training and 10,000 validation images" in done.stdout
    assert done.stdout.count("Run cnn") == 5
    assert call(unpacked, tmp_path, "update").returncode == 0
    copies = sorted((tmp_path / "mnist_lab_notebooks").glob("*.ipynb"))
    assert [path.stem for path in copies] == BOOKS
    again = call(unpacked, tmp_path, "update")
    assert again.stdout.count("up to date") == len(BOOKS)


def test_it_releases_to_graders(unpacked, tmp_path):
    done = call(unpacked, tmp_path, "release", "--for", "otter", "course")
    assert done.returncode == 0, done.stderr
    written = sorted((tmp_path / "course").glob("*/*.ipynb"))
    assert [path.stem for path in written] == BOOKS[:-1]  # the glossary asks for nothing


@pytest.mark.parametrize("command", ["solutions", "exercises"])
def test_what_needs_a_clone_says_so(unpacked, tmp_path, command):
    done = call(unpacked, tmp_path, command)
    assert done.returncode == 1
    assert done.stderr.startswith(f"mnist-lab: `mnist-lab {command}` changes the project itself")
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_of_other_things_is_refused(unpacked, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = call(unpacked, tmp_path, "lab", ".", "--no-browser")
    assert done.returncode == 1
    assert "holds other things, and no notebook of this lab" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.fixture(scope="module")
def clean(wheel):
    """The programs of an environment that has nothing but the wheel and what it needs."""
    home = wheel.parent / "clean"
    versions = ["--constraint", str(ROOT / ".ci" / "newest.txt")]
    return make_environment(home, *versions, str(wheel))


@pytest.mark.gate
def test_from_an_empty_folder_to_the_first_cell(clean, tmp_path):
    own = {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "HOME": str(tmp_path / "home")}
    work = tmp_path / "work"
    work.mkdir()
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [clean / "mnist-lab", "lab", "--no-browser", "--solutions"],
            cwd=work, env=os.environ | own, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        files, deadline = [], time.monotonic() + 60
        while not files and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
            files = list((tmp_path / "runtime").glob("jpserver-*.json"))
        assert files, (tmp_path / "log").read_text("utf-8")
        told = json.loads(files[0].read_text("utf-8"))
        page = f"{told['url']}lab/tree/{BOOKS[0]}.ipynb?token={told['token']}"
        with urllib.request.urlopen(page, timeout=30) as answer:
            shown = answer.read().decode()
        # JupyterLab's question about news is off.
        assert '"disabledExtensions": ["@jupyterlab/apputils-extension:announcements"]' in shown
    finally:
        server.terminate()
        server.wait(30)
    folder = work / "mnist_lab_notebooks"
    assert f"your notebooks are in {folder}" in (tmp_path / "log").read_text("utf-8")
    assert len(list((folder / "solutions").glob("*.ipynb"))) == len(BOOKS)
    for name in BOOKS:
        book = nbformat.read(folder / f"{name}.ipynb", 4)
        code = [cell for cell in book.cells if cell.cell_type == "code"]
        book.cells = code[:1]
        nbformat.write(book, work / "first.ipynb")
        execute = "import sys, nbformat, nbclient; book = nbformat.read('first.ipynb', 4); "
        execute += "nbclient.NotebookClient(book, kernel_name='python3').execute()"
        done = subprocess.run(
            [clean / "python", "-c", execute], cwd=work, env=os.environ | own,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{name}: {done.stderr}"
