"""The wheel works without a clone, from an empty folder to the first executed cell."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import nbformat
import pytest
from environments import make_environment

ROOT = Path(__file__).parents[1]
BOOKS = [
    "1_linear",
    "2_mlp",
    "3_dropout",
    "4_cnn",
    "5_comparison",
    "6_test",
    "7_sure",
    "8_best",
    "9_writers",
    "10_spoilt",
    "11_bugs",
    "12_yours",
    "glossary",
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def unpacked(wheel):
    """Unpack the wheel as an installer does; return an environment that finds it."""
    zipfile.ZipFile(wheel).extractall(wheel.parent / "installed")
    return os.environ | {"PYTHONPATH": str(wheel.parent / "installed")}


# One process for all commands: each process would take seconds to import the same modules.
COMMANDS = """
import contextlib, io, json, sys
import mnist_lab as lab
from mnist_lab.__main__ import main
said = {"data": f"{lab.__file__} {lab.load_mnist()} {lab.load_records('cnn')}"}
for command in json.loads(sys.argv[1]):
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(command.split())
    printed = [stream.buffer.getvalue().decode() for stream in (out, err)]
    said.setdefault(command, []).append([code, *printed])
print(json.dumps(said))
"""
CLONE_ONLY = ("solutions", "exercises")
RELEASE = "release --for otter course"
REFUSED = "lab thesis --no-browser"
PAGE = "page laboratory"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder that holds only another folder, with somebody's thesis."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "thesis").mkdir()
    (folder / "thesis" / "thesis.txt").write_text("mine")
    return folder


@pytest.fixture(scope="module")
def said(unpacked, work):
    return run(["update", "update", RELEASE, *CLONE_ONLY, REFUSED], work, unpacked)


def run(commands, folder, environment):
    """Run commands in a folder; return their exit codes and what they printed."""
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, json.dumps(commands)],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_is_small_enough_to_be_given_away(wheel):
    assert wheel.stat().st_size < 30_000_000


@pytest.mark.parametrize("part", ["laboratory/front", "web"])
def test_it_brings_what_runs_in_a_browser(unpacked, part):
    there = Path(unpacked["PYTHONPATH"]) / "mnist_lab" / part
    here = ROOT / "mnist_lab" / part
    files = [path.relative_to(here) for path in here.rglob("*") if path.is_file()]
    own = [file for file in files if file.suffix != ".pyc"]
    assert all((there / file).read_bytes() == (here / file).read_bytes() for file in own)


@pytest.mark.gate
def test_it_writes_the_page(unpacked, work):
    ((code, printed, error),) = run([PAGE], work, unpacked)[PAGE]
    assert (code, error) == (0, "")
    assert f"python -m http.server --directory {PAGE.split()[1]}" in printed
    assert "Yann LeCun" in (work / PAGE.split()[1] / "NOTICE.txt").read_text("utf-8")


def test_it_brings_data_and_notebooks(said, unpacked, work):
    assert said["data"].startswith(unpacked["PYTHONPATH"])
    assert "MNIST: 60,000 training and 10,000 validation images" in said["data"]
    assert said["data"].count("Run cnn") == 5
    first, again = said["update"]
    assert first[0] == again[0] == 0
    copies = (work / "mnist_lab_notebooks").glob("*.ipynb")
    assert sorted(path.stem for path in copies) == sorted(BOOKS)
    assert again[1].count("up to date") == len(BOOKS)


def test_it_releases_to_graders(said, work):
    assert said[RELEASE][0][0] == 0, said[RELEASE]
    written = (work / "course").glob("*/*.ipynb")
    assert sorted(path.stem for path in written) == sorted(BOOKS[:-1])  # the glossary asks nothing


@pytest.mark.parametrize("command", CLONE_ONLY)
def test_what_needs_a_clone_says_so(said, command):
    ((code, _, error),) = said[command]
    assert code == 1
    assert error.startswith(f"mnist-lab: `mnist-lab {command}` changes the project itself")
    assert len(error.splitlines()) == 1


def test_a_folder_of_other_things_is_refused(said, work):
    ((code, _, error),) = said[REFUSED]
    assert code == 1
    assert "holds other things but no notebook of this lab" in error
    assert [path.name for path in (work / "thesis").iterdir()] == ["thesis.txt"]


@pytest.fixture(scope="module")
def clean(wheel):
    """Install the wheel and its dependencies, nothing else; return the folder of programs."""
    home = wheel.parent / "clean"
    versions = ["--constraint", str(ROOT / ".ci" / "newest.txt")]
    return make_environment(home, *versions, str(wheel))


def shown_by(runtime):
    """The first notebook's page; empty until the server answers, which notes its address before."""
    for file in runtime.glob("jpserver-*.json"):
        with contextlib.suppress(json.JSONDecodeError, urllib.error.URLError):
            noted = json.loads(file.read_text("utf-8"))
            page = f"{noted['url']}lab/tree/{BOOKS[0]}.ipynb?token={noted['token']}"
            with urllib.request.urlopen(page, timeout=30) as answer:
                return answer.read().decode()
    return ""


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
        shown, deadline = "", time.monotonic() + 60
        while not shown and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
            shown = shown_by(tmp_path / "runtime")
        assert shown, (tmp_path / "log").read_text("utf-8")
        # JupyterLab does not ask about news.
        assert '"disabledExtensions": ["@jupyterlab/apputils-extension:announcements"]' in shown
    finally:
        server.terminate()
        server.wait(30)
    folder = work / "mnist_lab_notebooks"
    assert f"your notebooks are in {folder}" in (tmp_path / "log").read_text("utf-8")
    assert len(list((folder / "solutions").glob("*.ipynb"))) == len(BOOKS)
    books = [nbformat.read(folder / f"{name}.ipynb", 4) for name in BOOKS[:-1]]  # but the glossary
    first = [next(cell for cell in book.cells if cell.cell_type == "code") for book in books]
    assert len({cell.source for cell in first}) == 1  # so executing one is enough
    books[0].cells = first[:1]
    nbformat.write(books[0], work / "first.ipynb")
    execute = "import sys, nbformat, nbclient; book = nbformat.read('first.ipynb', 4); "
    execute += "nbclient.NotebookClient(book, kernel_name='python3').execute()"
    done = subprocess.run(
        [clean / "python", "-c", execute], cwd=work, env=os.environ | own,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
