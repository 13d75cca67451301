"""Where the lab's files lie: `places.here`, one object, which tests replace."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The folders and files of a clone or of an installed copy of the lab.

    Attributes
    ----------
    is_clone : bool
        Whether this is a clone of the project, where records and notebooks can be made again.
    home : Path
        The folder that holds all the others.
    data, records, seeds : Path
        The folders of MNIST, of the recorded runs, and of networks trained from many seeds.
    solutions, exercises : Path
        The folders of the notebooks that come with the lab.
    mine : Path
        The usual folder of a student's copies.
    readme, pyproject : Path
        Files of a clone.
    """

    is_clone: bool
    home: Path
    data: Path
    records: Path
    seeds: Path
    solutions: Path
    exercises: Path
    mine: Path
    readme: Path
    pyproject: Path


def find_in(home: Path, *, is_clone: bool = True) -> Places:
    """Return the places in a clone, or in the folder that is shipped with an installed copy."""
    notebooks = home / "notebooks"
    return Places(
        is_clone=is_clone,
        home=home,
        data=home / "data",
        records=home / "data" / "runs",
        seeds=home / "data" / "seeds",
        solutions=notebooks / "solutions",
        exercises=notebooks / "exercises",
        # For an installed copy, in the current folder and not among the installed packages.
        mine=notebooks / "mine" if is_clone else Path("mnist_lab_notebooks"),
        readme=home / "README.md",
        pyproject=home / "pyproject.toml",
    )


_PACKAGE = Path(__file__).parent
_SHIPPED = _PACKAGE / "shipped"  # only in a wheel; a clone's files lie beside the package
here = find_in(_SHIPPED, is_clone=False) if _SHIPPED.is_dir() else find_in(_PACKAGE.parent)
