"""Opens JupyterLab on a student's first notebook."""

import os
import urllib.parse
from pathlib import Path

from .. import places
from ..support import DataError
from .copies import recognise_folder
from .files import list_notebooks

# Switches off JupyterLab's question about news, which students would see first.
_CONFIG = Path(__file__).parent / "jupyter"
PROMPT = f"{__package__}.connection.PromptConnection"  # a name, as Jupyter's server loads slowly


def check_folder(folder: Path | None) -> Path:
    """Return the folder of a student's copies, the usual one by default.

    Raises
    ------
    DataError
        If it is a file, or holds other things but no copy of an exercise.
    """
    folder = folder or places.here.mine
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file, not a folder: name an empty or a new folder")
    if folder.is_dir() and any(folder.iterdir()) and not recognise_folder(folder):
        raise DataError(
            f"{folder} holds other things but no notebook of this lab: name an empty or a new "
            "folder, as in `mnist-lab lab my_notebooks`"
        )
    return folder


def open_lab(folder: Path, *, browser: bool = True) -> None:
    """Open JupyterLab, reachable from this machine only, and wait until it is closed.

    Parameters
    ----------
    folder
        A folder with at least one student's copy. JupyterLab shows this folder, or the whole
        project if the folder lies in a clone.
    browser
        Whether to open a browser. Otherwise only the address is printed.
    """
    from jupyterlab.labapp import LabApp  # takes a second to load

    folder, home = folder.resolve(), places.here.home.resolve()
    root = home if places.here.is_clone and folder.is_relative_to(home) else folder
    place = list_notebooks(folder)[0].relative_to(root)
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [str(_CONFIG), others]))
    LabApp.launch_instance(
        [
            f"--ServerApp.root_dir={root}",
            f"--LabApp.default_url=/lab/tree/{urllib.parse.quote(place.as_posix())}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.kernel_websocket_connection_class={PROMPT}",
            *([] if browser else ["--no-browser"]),
            # JupyterLab refuses to run as root, as in a container, without this option.
            *(["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),
        ]
    )
