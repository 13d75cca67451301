"""A newer exercise under a student's answers: nothing that the student wrote is ever lost."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from mnist_lab.__main__ import main
from mnist_lab.notebooks import cells, copies

CHANGED = ("start", "build", "call")  # in the exercise; in nothing but its tags; by the student
OUTPUT = new_output("stream", name="stdout", text="of the student\n")


class Copy:
    """A student's copy of the sample exercise, and the author's solution that it came from."""

    def __init__(self, house):
        self.house = house
        self.path = house.mine / "9_sample.ipynb"
        main(["exercises"])
        main(["update"])

    def read(self):
        book = nbformat.read(self.path, as_version=4)
        nbformat.validate(book)
        return book

    def cell(self, name):
        return next(cell for cell in self.read().cells if cell.id == name)

    def ids(self):
        return [cell.id for cell in self.read().cells]

    def edit(self, change):
        book = self.read()
        change({cell.id: cell for cell in book.cells}, book)
        nbformat.write(book, self.path)

    def write(self, name, source):
        self.edit(lambda cells, _: cells[name].update(source=source))

    def author(self, change):
        """Change the solution, and generate the exercise again."""
        solution = self.house.solutions / "9_sample.ipynb"
        book = nbformat.read(solution, as_version=4)
        change({cell.id: cell for cell in book.cells}, book)
        nbformat.write(book, solution)
        assert main(["exercises"]) == 0

    def rewrite(self, name, old, new):
        def change(cells, _):
            assert old in cells[name].source
            cells[name].source = cells[name].source.replace(old, new)

        self.author(change)

    def update(self, *arguments, code=0):
        """Update twice: the second time there is nothing left to do."""
        assert main(["update", *map(str, arguments)]) == code
        once = {path: path.read_bytes() for path in self.house.mine.rglob("*") if path.is_file()}
        assert main(["update", *map(str, arguments)]) == code
        assert once == {path: path.read_bytes() for path in once}


@pytest.fixture
def copy(house, capsys):
    made = Copy(house)
    capsys.readouterr()
    return made


def test_first_call_makes_the_copies(copy, capsys):
    assert copy.path.read_bytes() == (copy.house.exercises / copy.path.name).read_bytes()
    copy.update()
    assert capsys.readouterr().out.splitlines() == [f"{copy.path}: up to date"] * 2
    assert [path.name for path in copy.house.mine.iterdir()] == ["9_sample.ipynb"]


def test_answers_stay_and_the_rest_becomes_new(copy, capsys):
    def work(cells, _):
        cells["build"].update(source="total = 6  # mine", outputs=[OUTPUT], execution_count=3)
        cells["question"].source = "Since it is so."
        cells["start"].update(outputs=[OUTPUT], execution_count=1)
        cells["call"].update(outputs=[OUTPUT], execution_count=2)

    copy.edit(work)
    old = copy.path.read_bytes()
    copy.rewrite("title", "A sample", "The sample")
    copy.rewrite("call", "two(total)", "two(total + 1)")
    copy.update()
    assert copy.cell("title").source.startswith("# 9. The sample")
    assert copy.cell("build").source == "total = 6  # mine"
    assert copy.cell("build").outputs == [OUTPUT]
    assert copy.cell("start").outputs == [OUTPUT]
    assert copy.cell("call").source == "two(total + 1)"
    assert copy.cell("call").outputs == []  # those of another source
    assert copy.cell("question").source == "Since it is so."
    assert "9_sample.ipynb: updated: title, call; what it was is in before-update/9_sa" in (
        capsys.readouterr().out
    )
    (aside,) = (copy.house.mine / "before-update").glob("9_sample-*.ipynb")
    assert aside.read_bytes() == old


def test_a_written_prediction_stays_and_a_place_for_a_new_one_comes(copy, capsys):
    def ask(cells, book):
        place = book.cells.index(cells["call"])
        for source in ("guess_new = ...  # in percent", "guess = ...  # in percent"):
            name = source.split(" ")[0].replace("_", "-")
            if name not in cells:
                cell = new_code_cell(source, id=name, metadata={"tags": ["prediction"]})
                book.cells.insert(place, cell)

    copy.author(lambda cells, book: ask({**cells, "guess-new": None}, book))
    main(["update"])
    copy.write("guess", "guess = 85  # in percent")
    copy.author(ask)
    main(["update"])
    assert copy.cell("guess").source == "guess = 85  # in percent"
    assert copy.cell("guess-new").source == "guess_new = ...  # in percent"
    assert "changed in the exercise and by you" not in capsys.readouterr().out


def test_new_text_is_shown_once_behind_an_answer(copy, capsys):
    copy.write("build", "total = 6")
    copy.write("question", "Since.")
    copy.rewrite("build", "double each value", "double every value")
    copy.rewrite("question", "Why is it so?", "Why is it?")
    copy.update()
    assert (
        "changed in the exercise and by you (see the cell behind): build, question"
        in capsys.readouterr().out
    )
    ids = copy.ids()
    for name, language, new in (
        ("build", "python", 'NotImplementedError("double every value")'),
        ("question", "markdown", "Why is it?"),
    ):
        shown = copy.cell(ids[ids.index(name) + 1])
        assert shown.cell_type == "markdown"
        assert shown.source.startswith("**The exercise has changed here.**")
        assert f"~~~~{language}\n" in shown.source
        assert new in shown.source
    assert copy.cell("build").source == "total = 6"
    assert len(ids) == 11
    # Read and deleted, it does not come again; another change is shown again.
    copy.edit(lambda cells, book: book.cells.remove(cells[ids[ids.index("build") + 1]]))
    copy.update()
    assert len(copy.ids()) == 10
    copy.rewrite("build", "double every value", "double them")
    copy.update()
    assert len(copy.ids()) == 11
    assert copy.cell("build").source == "total = 6"


def test_answer_that_is_now_the_exercise_itself_needs_no_words(copy):
    copy.write("start", "import numpy")
    copy.author(lambda cells, _: cells["start"].update(source="import numpy"))
    copy.update()
    assert len(copy.ids()) == 9
    assert not cells.is_changed(copy.cell("start"))


def test_added_cells_stay_and_new_ones_come_at_their_place(copy, capsys):
    def add(_, book):
        book.cells.insert(4, new_code_cell("x", id="x"))
        book.cells.insert(5, new_markdown_cell("y", id="y"))
        book.cells.insert(0, new_markdown_cell("my name", id="name"))

    def insert(_, book):
        book.cells.insert(4, new_markdown_cell("new 1", id="new-1"))
        book.cells.insert(5, new_markdown_cell("new 2", id="new-2"))
        book.cells.insert(0, new_markdown_cell("# new top", id="top"))
        book.cells.append(new_code_cell("0", id="end"))

    copy.edit(add)
    copy.author(insert)
    copy.update()
    assert copy.ids() == [
        *("name", "top", "title", "start", "build-h", "build", "x", "y", "new-1", "new-2"),
        *("function", "call", "question", "widget", "raw", "end"),
    ]
    assert "new: top, new-1, new-2, end" in capsys.readouterr().out


def test_removed_cells_go_only_unchanged(copy, capsys):
    copy.write("call", "two(3)")

    def remove(cells, book):
        for name in ("call", "start", "widget"):
            book.cells.remove(cells[name])

    copy.edit(lambda _, book: book.cells.insert(2, new_code_cell("x", id="behind-start")))
    copy.author(remove)
    copy.update()
    assert copy.ids() == [
        *("title", "behind-start", "build-h", "build", "function", "call", "question", "raw")
    ]
    said = capsys.readouterr().out
    assert "removed: start, widget" in said
    assert "kept, though no longer in the exercise: call" in said


def test_deleted_cells_stay_away_even_if_they_are_new_again(copy, capsys):
    copy.edit(lambda cells, book: book.cells.remove(cells["start"]))
    copy.rewrite("start", "numpy", "numpy.random")
    copy.update()
    assert "start" not in copy.ids()
    assert "deleted by you: start" in capsys.readouterr().out


def test_order_of_the_student_is_kept(copy):
    def move(cells, book):
        book.cells.remove(cells["question"])
        book.cells.insert(1, cells["question"])

    copy.edit(move)
    order = copy.ids()
    copy.author(lambda _, book: book.cells.insert(7, new_code_cell("7", id="new")))
    copy.update()
    order.insert(order.index("question") + 1, "new")
    assert copy.ids() == order


def test_order_of_the_exercise_is_followed_where_the_student_kept_it(copy):
    copy.edit(lambda _, book: book.cells.insert(4, new_code_cell("x", id="x")))
    copy.write("build", "total = 6")

    def move(cells, book):
        book.cells.remove(cells["build"])
        book.cells.insert(1, cells["build"])

    copy.author(move)
    copy.update()
    assert copy.ids()[:5] == ["title", "build", "x", "start", "build-h"]
    assert copy.cell("build").source == "total = 6"


def test_copy_of_another_name_is_updated_and_not_made_again(copy, capsys):
    copy.write("build", "total = 6")
    other = copy.path.with_name("Lösung von mir.ipynb")
    copy.path = copy.path.rename(other)
    copy.rewrite("title", "A sample", "The sample")
    copy.update()
    assert copy.cell("title").source.startswith("# 9. The sample")
    assert copy.cell("build").source == "total = 6"
    assert sorted(path.name for path in copy.house.mine.iterdir()) == [other.name, "before-update"]


def test_one_file_anywhere(copy, tmp_path):
    copy.write("build", "total = 6")
    elsewhere = tmp_path / "away" / "x.ipynb"
    elsewhere.parent.mkdir()
    copy.path.rename(elsewhere)
    copy.rewrite("title", "A sample", "The sample")
    assert main(["update", str(elsewhere)]) == 0
    assert "The sample" in elsewhere.read_text()
    assert "total = 6" in elsewhere.read_text()
    assert list(copy.house.mine.iterdir()) == []


def test_folder_of_copies(copy, tmp_path):
    assert main(["update", "--folder", str(tmp_path / "some" / "where")]) == 0
    assert (tmp_path / "some" / "where" / "9_sample.ipynb").exists()


def strip(cells, book, ids=False):
    book.metadata = {}
    for number, cell in enumerate(book.cells):
        cell.metadata = {}
        if ids:
            cell.id = f"other-{number}"


def test_lost_metadata(copy, capsys):
    copy.write("build", "total = 6")
    copy.edit(strip)
    copy.path = copy.path.rename(copy.path.with_name("x.ipynb"))
    copy.rewrite("title", "A sample", "The sample")
    copy.update()
    # What is not as in the exercise of today may be the student's: it stays.
    assert copy.cell("title").source.startswith("# 9. A sample")
    assert copy.cell("build").source == "total = 6"
    assert len(copy.ids()) == 9
    assert "may be yours: title, build" in capsys.readouterr().out
    # From here on it is a copy like others.
    copy.rewrite("call", "two(total)", "two(1)")
    copy.update()
    assert copy.cell("call").source == "two(1)"


def test_lost_metadata_and_ids(copy, capsys):
    before = copy.ids()
    copy.write("build", "total = 6")
    copy.write("question", "Since it is so.")
    copy.edit(lambda cells, book: strip(cells, book, ids=True))
    copy.edit(lambda cells, book: book.cells.insert(2, new_code_cell("mine = 1", id="mine")))
    copy.rewrite("call", "two(total)", "two(1)")
    copy.update()
    # Known by their place, changed cells stay as they are, and no question comes twice.
    assert copy.ids() == [*before[:2], "mine", *before[2:]]
    assert copy.cell("build").source == "total = 6"
    assert copy.cell("question").source == "Since it is so."
    assert copy.cell("call").source == "two(total)"
    assert "may be yours: build, call, question" in capsys.readouterr().out


def test_lost_cells_among_others_are_known_by_the_lines_that_they_share(copy):
    given = copy.cell("function").source
    copy.write("function", given.replace("raise NotImplementedError", "return 2 * x  # "))
    copy.edit(lambda cells, book: strip(cells, book, ids=True))
    copy.edit(lambda _, book: book.cells.insert(4, new_code_cell("mine = 1", id="mine")))
    copy.update()
    ids = copy.ids()
    assert ids[ids.index("build") : ids.index("question")] == ["build", "mine", "function", "call"]


def test_assignments_of_graders_are_left_as_they_are(copy, capsys):
    def mark(cells, book):
        cells["build"].metadata["nbgrader"] = {"grade_id": "build", "locked": False}
        cells["build"].source = "# YOUR CODE HERE\nraise NotImplementedError()"

    copy.edit(mark)
    before = copy.path.read_bytes()
    copy.rewrite("build", "double each value", "double every value")
    copy.update()
    assert copy.path.read_bytes() == before
    assert "made by a grader for a course, left as it is" in capsys.readouterr().out


def test_a_notebook_that_fails_in_a_new_way_leaves_the_others_done(copy, monkeypatch, capsys):
    other = copy.path.with_name("other.ipynb")
    other.write_bytes(copy.path.read_bytes())
    copy.rewrite("title", "A sample", "The sample")
    merge, calls = copies.merge, []

    def fail(*arguments):
        calls.append(arguments)
        return merge(*arguments) if len(calls) > 1 else {}["no such key"]

    monkeypatch.setattr(copies, "merge", fail)
    assert main(["update"]) == 1
    assert "The sample" in other.read_text()
    assert f"{copy.path} was left as it is: KeyError in test_copies.py" in capsys.readouterr().err


def test_notebook_that_colab_saved(copy):
    copy.write("build", "total = 6")
    book = json.loads(copy.path.read_text())
    book["nbformat_minor"] = 0
    for cell in book["cells"]:
        cell["metadata"] = {"id": cell.pop("id")}
    copy.path.write_text(json.dumps(book))
    copy.update()
    assert copy.ids() == [
        cell.id for cell in nbformat.read(copy.house.exercises / copy.path.name, as_version=4).cells
    ]
    assert copy.cell("build").source == "total = 6"


def test_cut_and_pasted_cell_has_another_id(copy):
    def paste(cells, book):
        book.cells.remove(cells["call"])
        book.cells.insert(1, new_code_cell("two(total)", id="pasted"))

    copy.edit(paste)
    copy.update()
    assert copy.ids()[:2] == ["title", "call"]
    assert len(copy.ids()) == 9


def test_copied_cell_has_the_digest_of_the_first(copy):
    def paste(cells, book):
        twin = nbformat.from_dict({**cells["call"], "id": "0" * 36})
        book.cells.insert(1, twin)

    copy.edit(paste)
    copy.rewrite("call", "two(total)", "two(1)")
    copy.update()
    assert copy.ids()[:3] == ["title", "0" * 36, "start"]
    assert copy.cell("0" * 36).source == "two(total)"
    assert copy.cell("call").source == "two(1)"


def test_two_cells_of_one_id(copy):
    text = copy.path.read_text().replace('"id": "call"', '"id": "build"')
    copy.path.write_text(text)
    copy.rewrite("title", "A sample", "The sample")
    assert main(["update"]) == 0
    assert copy.ids().count("build") == 1
    assert "two(total)" in [cell.source for cell in copy.read().cells]


def test_broken_notebook_is_never_touched_and_others_are(copy, capsys):
    other = copy.path.with_name("other.ipynb")
    other.write_bytes(copy.path.read_bytes())
    copy.path.write_text("{")
    copy.rewrite("title", "A sample", "The sample")
    copy.update(code=1)
    assert copy.path.read_text() == "{"
    assert "The sample" in other.read_text()
    message = capsys.readouterr().err.splitlines()[0]
    assert message.startswith(f"mnist-lab: {copy.path} is broken at line 1")
    assert "it was left as it is. Repair it, or move it away" in message


def test_broken_notebook_in_place_of_a_missing_copy(copy):
    copy.path.write_text("{")
    copy.update(code=1)
    assert copy.path.read_text() == "{"


def test_what_is_no_copy_is_left_alone(copy, capsys, tmp_path):
    own = copy.path.with_name("scratch.ipynb")
    nbformat.write(nbformat.v4.new_notebook(cells=[new_code_cell("1", id="title")]), own)
    before = own.read_bytes()
    copy.update()
    assert f"{own}: not a copy of an exercise" in capsys.readouterr().out
    copy.update(own, code=1)
    assert own.read_bytes() == before
    copy.update(tmp_path / "nowhere.ipynb", copy.house.solutions / "9_sample.ipynb", code=1)
    said = capsys.readouterr().err
    assert "nowhere.ipynb is missing" in said
    assert "solutions/9_sample.ipynb is not a student's copy" in said


def test_answers_written_in_the_exercise_itself_stay_and_come_along(copy, capsys):
    copy.path.unlink()
    work = copy.house.exercises / copy.path.name
    book = nbformat.read(work, as_version=4)
    book.cells[3].source = "total = 6"
    book.cells.append(new_code_cell("1", id="added"))
    nbformat.write(book, work)
    copy.update()
    assert f"{copy.path}: new, with what you wrote in {work}" in capsys.readouterr().out
    assert copy.path.read_bytes() == work.read_bytes()
    assert main(["export", str(work)]) == 0
    assert "celltag_answer" in work.with_suffix(".html").read_text("utf-8").split("<body>")[1]
    solution = copy.house.solutions / copy.path.name
    text = solution.read_text("utf-8")
    solution.write_text(text.replace("A sample", "The sample").replace("double each", "double all"))
    copy.update()
    for path in (copy.path, work):
        book = nbformat.read(path, as_version=4)
        cells = {cell.id: cell.source for cell in book.cells}
        assert "The sample" in cells["title"]
        assert cells["build"] == "total = 6"
        assert [name[:5] for name, text in cells.items() if "double all" in text] == ["build"]
        assert book.cells[-1].id == "added"


def test_metadata_of_other_tools_stays_and_that_of_the_exercise_comes(copy):
    slide = {"slide_type": "slide"}
    copy.edit(lambda cells, _: [cell.metadata.update(slideshow=slide) for cell in cells.values()])
    copy.write("call", "two(total) + 1")
    copy.rewrite("start", "np.pi", "np.e")
    copy.author(lambda cells, _: [cells[name].metadata.update(tags=["b"]) for name in CHANGED])
    main(["update"])
    for name in CHANGED:
        assert copy.cell(name).metadata.slideshow == slide
        assert copy.cell(name).metadata.tags == ["b"]
    assert copy.cell("start").source.endswith("print(np.e)")


@pytest.fixture
def installed(copy, relocate):
    """As an installed copy of the lab, whose exercises are files."""
    relocate(is_clone=False)
    return copy


def test_exercise_that_lost_its_metadata(installed, capsys):
    before = installed.path.read_bytes()
    exercise = installed.house.exercises / installed.path.name
    book = nbformat.read(exercise, as_version=4)
    strip({}, book)
    nbformat.write(book, exercise)
    assert main(["update"]) == 1
    assert "is not as it was generated; install the lab again" in capsys.readouterr().err
    assert installed.path.read_bytes() == before


def test_broken_or_missing_exercise(installed, capsys):
    before = installed.path.read_bytes()
    (installed.house.exercises / installed.path.name).write_text("<<<<<<< HEAD")
    assert main(["update"]) == 1
    assert "merge conflict of git in it; install the lab again" in capsys.readouterr().err
    (installed.house.exercises / installed.path.name).unlink()
    assert main(["update"]) == 1
    assert "has no notebooks" in capsys.readouterr().err
    assert installed.path.read_bytes() == before


def test_broken_solution_in_a_clone(copy, capsys):
    before = copy.path.read_bytes()
    (copy.house.solutions / copy.path.name).write_text("<<<<<<< HEAD")
    assert main(["update"]) == 1
    assert "merge conflict of git in it; copy it to another place" in capsys.readouterr().err
    assert copy.path.read_bytes() == before


def test_exercises_on_file_do_not_matter_in_a_clone(copy, capsys):
    copy.path.unlink()
    exercise = (copy.house.exercises / copy.path.name).read_bytes()
    (copy.house.exercises / copy.path.name).unlink()
    copy.update()
    assert copy.path.read_bytes() == exercise


def test_a_broken_exercise_in_which_somebody_worked_is_told_and_left(copy, capsys):
    copy.path.unlink()
    work = copy.house.exercises / copy.path.name
    fresh = work.read_bytes()
    work.write_text("<<<<<<< HEAD")
    copy.update(code=1)
    assert f"{work} has an unsolved merge conflict of git in it; it was left" in (
        capsys.readouterr().err
    )
    assert work.read_text() == "<<<<<<< HEAD"
    assert copy.path.read_bytes() == fresh


def lose_ids(path, rename):
    """Rewrite a notebook as a tool does that cares for no ids."""
    book = json.loads(path.read_text(encoding="utf-8"))
    for number, cell in enumerate(book["cells"]):
        rename(cell, number)
    if "id" not in book["cells"][0]:
        book["nbformat_minor"] = 4
    path.write_text(json.dumps(book), encoding="utf-8")


@pytest.mark.parametrize(
    "rename",
    [lambda cell, _: cell.pop("id"), lambda cell, number: cell.update(id=str(number))],
    ids=["format 4.4", "nbstripout"],
)
def test_cells_whose_ids_were_lost_are_known_by_their_metadata(copy, capsys, rename):
    before = copy.ids()
    copy.write("build", "total = 6  # mine")
    lose_ids(copy.path, rename)
    copy.rewrite("title", "A sample", "The sample")
    copy.update()
    assert copy.ids() == before
    assert copy.cell("title").source.startswith("# 9. The sample")
    assert copy.cell("build").source == "total = 6  # mine"
    assert "deleted by you" not in capsys.readouterr().out


def test_ids_that_the_solution_lost_are_refused(copy, capsys):
    solution = copy.house.solutions / "9_sample.ipynb"
    exercise = (copy.house.exercises / "9_sample.ipynb").read_bytes()
    lose_ids(solution, lambda cell, number: cell.update(id=str(number)))
    assert main(["exercises"]) == 1
    said = capsys.readouterr().err
    assert "cell 'title' would become '0'" in said
    assert "--keep-id" in said
    assert (copy.house.exercises / "9_sample.ipynb").read_bytes() == exercise


def test_a_second_change_replaces_the_notice_of_the_first(copy):
    def notices():
        return [cell.id for cell in copy.read().cells if "has changed here" in cell.source]

    copy.write("build", "total = 6")
    copy.rewrite("build", "double each value", "double every value")
    copy.update()
    (first,) = notices()
    copy.rewrite("build", "double every value", "double all values")
    copy.update()
    (second,) = notices()
    assert "double all values" in copy.cell(second).source
    # One in which the student has written stays.
    copy.write(second, copy.cell(second).source + "\n\nDone.")
    copy.rewrite("build", "double all values", "double them")
    copy.update()
    assert notices()[1:] == [second]
    assert first not in copy.ids()


def test_ten_generations_are_kept(copy, monkeypatch):
    moments = iter(f"20261125-{number:06d}" for number in range(100))
    monkeypatch.setattr("mnist_lab.notebooks.copies.time.strftime", lambda _: next(moments))
    copy.write("build", "total = 6")
    for number in range(12):
        copy.rewrite("title", "sample", f"sample {number},")
        copy.update()
    kept = sorted((copy.house.mine / "before-update").iterdir())
    assert [path.name for path in kept] == [
        f"9_sample-20261125-{number:06d}.ipynb" for number in range(2, 12)
    ]


def test_what_jupyter_saves_meanwhile_is_not_lost(copy, monkeypatch):
    copy.rewrite("title", "A sample", "The sample")
    saved, merge = [], copies.merge

    def late(*arguments):
        done = merge(*arguments)
        if not saved:
            saved.append(True)
            copy.write("build", "total = 6  # just saved")
        return done

    monkeypatch.setattr(copies, "merge", late)
    copy.update()
    assert copy.cell("build").source == "total = 6  # just saved"
    assert copy.cell("title").source.startswith("# 9. The sample")


def test_copy_of_a_newer_lab_is_left_as_it_is(copy, capsys):
    def publish(version):
        text = f'[project]\nname = "mnist_lab"\nversion = "{version}"\n'
        copy.house.pyproject.write_text(text)
        assert main(["exercises"]) == 0

    publish("0.10.0")
    copy.update()
    publish("0.9.1")
    before = copy.path.read_bytes()
    capsys.readouterr()
    copy.update(code=1)
    assert copy.path.read_bytes() == before
    told = "9_sample.ipynb is of version 0.10.0 of the lab, and this is version 0.9.1: it was left"
    assert told in capsys.readouterr().err


def test_version_that_is_none_is_no_reason_to_refuse(copy):
    for version in (None, 0, "new", "", ["x"], "0." * 5000):
        copy.edit(lambda _, book, to=version: book.metadata["mnist_lab"].update(version=to))
        assert main(["update"]) == 0
