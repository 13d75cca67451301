"""The project around the code: what is installed, from where, and what imports what."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from mnist_lab import quiet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [
    Requirement(line)
    for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
]
# Lowest floor first: a module imports only from those before it.
FLOORS = [
    "quiet",
    "support",
    "progress",
    "data",
    "descriptions",
    "models",
    "runs",
    "loop",
    "training",
    "replicas",
    "parts",
    "verdicts",
    "diagnoses",
    "behaviour",
    "prepared",
    "counts",
    "checks",
    "records",
    "verification",
    "plots",
    "controls",
    "estimates",
    "live",
    "sight",
    "table",
    "background",
    "explorer",
    "notebooks",
    "exercises",
    "updates",
    "export",
    "__main__",
]


def test_environment_and_project_agree():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"] == PROJECT["name"]
    *conda, pip = environment["dependencies"]
    # All packages come from pyproject.toml, so that none can be listed in two ways.
    assert pip == {"pip": ["-e .[test]"]}
    assert [re.split("=", line)[0] for line in conda] == ["python", "pip"]
    python = re.fullmatch(r"python=(\d+)\.(\d+)", conda[0])
    least = re.fullmatch(r">=(\d+)\.(\d+)", PROJECT["requires-python"])
    assert tuple(map(int, python.groups())) >= tuple(map(int, least.groups()))
    assert "test" in PROJECT["optional-dependencies"]


def test_all_that_is_imported_is_declared():
    declared = {re.split("[<>=]", line)[0] for line in PROJECT["dependencies"]}
    # IPython comes with jupyterlab's kernel.
    declared |= {"IPython", "mnist_lab"} | set(sys.stdlib_module_names)
    for path in (ROOT / "mnist_lab").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            assert {name.split(".")[0] for name in names} <= declared, path.name


def locked(end):
    """The versions of a package in a lock: some packages have one for each Python."""
    found = {}
    for line in (ROOT / ".ci" / f"{end}.txt").read_text().splitlines():
        if not line.startswith("#"):
            requirement = Requirement(line)
            (pin,) = requirement.specifier
            assert pin.operator == "==", line
            assert not requirement.url, line
            found.setdefault(requirement.name, []).append(pin.version)
    return found


def test_the_newest_lock_has_all_that_is_declared_in_its_range():
    versions = locked("newest")
    for requirement in REQUIREMENTS:
        assert versions[requirement.name], requirement
        assert all(version in requirement.specifier for version in versions[requirement.name])


def test_the_oldest_lock_has_the_lowest_versions_that_are_allowed():
    versions = locked("oldest")
    for requirement in REQUIREMENTS:
        (lowest,) = requirement.specifier
        (version,) = versions[requirement.name]
        assert Version(version) == Version(lowest.version), requirement


def test_imports_point_down():
    files = {path.stem for path in (ROOT / "mnist_lab").glob("*.py")} - {"__init__"}
    assert files == set(FLOORS)
    for index, name in enumerate(FLOORS):
        tree = ast.parse((ROOT / "mnist_lab" / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                used = [node.module] if node.module else [alias.name for alias in node.names]
                assert set(used) <= set(FLOORS[:index]), f"{name} imports {used}"


def test_an_installed_wheel_carries_the_data(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    script = "import mnist_lab as lab; print(lab.__file__, lab.load_mnist())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path / "installed",
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path / "installed") in done.stdout
    assert "MNIST: 60,000 training and 10,000 validation images" in done.stdout


def test_nothing_is_said_while_tensorflow_loads():
    script = "import mnist_lab, keras; keras.ops.zeros(1)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_what_was_said_before_an_error_is_shown(capfd):
    with quiet.stderr_aside():
        os.write(2, b"all is well")
    with pytest.raises(ImportError), quiet.stderr_aside():  # noqa: PT012
        os.write(2, b"the reason")
        raise ImportError
    os.write(2, b", and more")
    assert capfd.readouterr().err == "the reason, and more"
