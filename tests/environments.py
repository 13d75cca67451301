"""Separate environments, for tests of what is installed."""

import os
import shutil
import site
import subprocess
import sys
from pathlib import Path


def make_environment(folder: Path, *install: str) -> Path:
    """Make an environment with these arguments of `pip install`; return its folder of programs."""
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    python = str(programs / "python")
    if uv := shutil.which("uv"):
        make = [uv, "venv", "--quiet", "--python", sys.executable, str(folder)]
        pip = [uv, "pip", "install", "--quiet", "--python", python]
    else:
        make = [sys.executable, "-m", "venv", str(folder)]
        pip = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run(make, check=True)
    subprocess.run([*pip, *install], check=True)
    return programs


def add_to_lab(folder: Path, lock: Path) -> dict[str, str]:
    """Install other packages on top of the lab's; return the environment for their programs."""
    # Searched after the others' own packages, as if all were installed together.
    here = f"import site; site.addsitedir({site.getsitepackages()[0]!r})"
    programs = make_environment(folder, "--requirement", str(lock))
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "lab.pth").write_text(here)
    return os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
