"""Students who work in a clone's exercises, which nbgitpuller keeps up to date."""

import subprocess
from pathlib import Path

import environments
import nbformat
import pytest
from students import cell_of, student

from mnist_lab import places
from mnist_lab.__main__ import main
from mnist_lab.notebooks import handin

pytestmark = pytest.mark.gate
PROJECT = places.here.home
NAMES = ("1_linear", "2_mlp")
LOCK = PROJECT / ".ci/hub.txt"


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return environments.add_to_lab(tmp_path_factory.mktemp("hub"), LOCK)


class Course:
    """A project with two of the notebooks, and a student's clone of it, made by nbgitpuller."""

    def __init__(self, folder: Path, programs: dict, relocate):
        self.programs, self.origin, self.clone = programs, folder / "origin", folder / "clone"
        self.relocate = relocate
        self.origin.mkdir()
        for name in (".gitattributes", ".gitignore", "pyproject.toml", "README.md"):
            (self.origin / name).write_bytes((PROJECT / name).read_bytes())
        at = places.find_in(self.origin)
        at.solutions.mkdir(parents=True)
        for name in NAMES:
            source = places.here.solutions / f"{name}.ipynb"
            (at.solutions / source.name).write_bytes(source.read_bytes())
        self.git("init", "--quiet", "--initial-branch", "main")
        self.publish()

    def git(self, *arguments):
        who = ["-c", "user.name=A", "-c", "user.email=a"]
        subprocess.run(["git", *who, *arguments], cwd=self.origin, check=True)

    def live_in(self, folder):
        at = places.find_in(folder)
        self.relocate(
            home=folder,
            solutions=at.solutions,
            exercises=at.exercises,
            mine=at.mine,
            readme=at.readme,
            pyproject=at.pyproject,
        )
        return at

    def publish(self, **changes):
        """Change cells of a solution, given as cell=(old, new), and commit the new exercises."""
        at = self.live_in(self.origin)
        path = at.solutions / "1_linear.ipynb"
        book = nbformat.read(path, 4)
        for name, (old, new) in changes.items():
            assert old in cell_of(book, name).source
            cell_of(book, name).source = cell_of(book, name).source.replace(old, new)
        nbformat.write(book, path)
        assert main(["exercises"]) == 0
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A version")

    def pull(self):
        """Let nbgitpuller bring the project, as a click on its link does; the clone's places."""
        command = ["gitpuller", self.origin.as_uri(), "main", str(self.clone)]
        done = subprocess.run(command, env=self.programs, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.live_in(self.clone)


@pytest.fixture
def course(tmp_path, programs, relocate, monkeypatch):
    monkeypatch.setattr(handin, "_BROWSERS", ())  # pages, but no PDF
    return Course(tmp_path, programs, relocate)


def labels(path):
    """How many answers, and how many blanks, the page of a notebook shows."""
    assert main(["export", str(path), "--output", str(path.parent / "pages")]) == 0
    page = (path.parent / "pages" / f"{path.stem}.html").read_text("utf-8").split("<body>")[1]
    return page.count("celltag_answer"), page.count("celltag_blank")


def test_answers_in_the_exercises_stay_whatever_is_pulled(course, capsys):
    work = course.pull().exercises / "1_linear.ipynb"
    nbformat.write(student("1_linear", blank=["flat", "see"]), work)
    marked = labels(work)
    assert marked[1] == 3  # with the program
    course.publish(title=("# 1.", "# One."), prepare=("compute x, flat", "compute x, as a row"))
    before = work.read_bytes()
    course.pull()
    assert work.read_bytes() == before
    assert labels(work) == marked
    capsys.readouterr()
    assert main(["update"]) == 0
    told = capsys.readouterr().out
    copy = places.here.mine / work.name
    assert f"{work}: updated: title; changed in the exercise and by you (see the cell beh" in told
    assert f"{copy}: new, with what you wrote in {work}" in told
    assert f"{copy.with_name('2_mlp.ipynb')}: new\n" in told
    assert copy.read_bytes() == work.read_bytes()
    (notice,) = (cell for cell in nbformat.read(work, 4).cells if "as a row" in cell.source)
    assert notice.id.startswith("prepare-")
    assert labels(work) == marked
    assert report(copy.parent, capsys) == report(work.parent, capsys)
    course.publish(title=("# One.", "# Number one."))
    course.pull()
    assert main(["update"]) == 0
    assert "# Number one." in work.read_text("utf-8")
    assert labels(work) == marked


def report(folder, capsys):
    """The line of a report about the notebook, which believes its outputs."""
    capsys.readouterr()
    output = folder.parents[1] / "report"
    assert main(["report", "--no-run", str(folder), "--output", str(output)]) == 0
    (line,) = (each for each in capsys.readouterr().out.splitlines() if "1_linear " in each)
    assert "16/19" in line
    return line


def test_where_nobody_has_worked_the_newer_exercise_comes(course, capsys):
    work = course.pull().exercises / "1_linear.ipynb"
    course.publish(title=("# 1.", "# One."))
    course.pull()
    assert "# One." in work.read_text("utf-8")
    assert main(["update"]) == 0
    assert str(work) not in capsys.readouterr().out
