"""Where things lie, in one object: `places.here`. Tests put another one in its place."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Where a clone or an installed copy of the lab keeps its files.

    Attributes
    ----------
    is_clone : bool
        Whether it is a clone of the project, whose files may be made anew.
    home : Path
        The folder that holds all the others.
    data, records : Path
        The folders of MNIST and of the recorded runs.
    solutions, exercises : Path
        The folders of the notebooks that come with the lab.
    mine : Path
        The usual folder of a student's copies.
    readme, pyproject : Path
        The project's own files, in a clone.
    """

    is_clone: bool
    home: Path
    data: Path
    records: Path
    solutions: Path
    exercises: Path
    mine: Path
    readme: Path
    pyproject: Path


def find_in(home: Path, *, is_clone: bool = True) -> Places:
    """Say where things lie in a clone, or in the folder that an installed copy was shipped with."""
    notebooks = home / "notebooks"
    return Places(
        is_clone=is_clone,
        home=home,
        data=home / "data",
        records=home / "data" / "runs",
        solutions=notebooks / "solutions",
        exercises=notebooks / "exercises",
        # Not among the installed packages, but where the command is called.
        mine=notebooks / "mine" if is_clone else Path("mnist_lab_notebooks"),
        readme=home / "README.md",
        pyproject=home / "pyproject.toml",
    )


_PACKAGE = Path(__file__).parent
_SHIPPED = _PACKAGE / "shipped"  # only a wheel has it; a clone's files lie beside the package
here = find_in(_SHIPPED, is_clone=False) if _SHIPPED.is_dir() else find_in(_PACKAGE.parent)
