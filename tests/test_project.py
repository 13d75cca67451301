"""The project around the code: dependencies, imports between modules, the public names."""

import ast
import graphlib
import importlib
import inspect
import os
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jedi
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import mnist_lab as lab
from mnist_lab import quiet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [
    Requirement(line)
    for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
]
HOUSE = ROOT / "mnist_lab"
WINGS = {door.parent.name for door in HOUSE.glob("*/__init__.py")}
# Lowest layer first: a module imports only from those before it.
FLOORS = [
    *(
        "signals",
        "quiet",
        "support",
        "progress",
        "places",
        "data",
        "corruptions",
        "digits",
        "collecting",
        "descriptions",
        "layers",
        "models",
        "runs",
        "seeds",
        "plots",
    ),
    *("training", "course", "checks", "records", "laboratory", "web"),
    *("notebooks", "grading", "__main__"),
]


def test_environment_and_project_agree():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"] == PROJECT["name"]
    *conda, pip = environment["dependencies"]
    # Not the lab itself, or Binder would install everything again after each commit.
    assert pip == {"pip": PROJECT["dependencies"]}
    assert "--no-deps" in (ROOT / "postBuild").read_text()
    assert os.access(ROOT / "postBuild", os.X_OK)
    assert [re.split("=", line)[0] for line in conda] == ["python", "pip"]
    python = re.fullmatch(r"python=(\d+)\.(\d+)", conda[0])
    assert f"{python[1]}.{python[2]}" in SpecifierSet(PROJECT["requires-python"])
    assert "test" in PROJECT["optional-dependencies"]


@pytest.mark.parametrize(
    ("system", "machine", "wanted"),
    [
        ("linux", "x86_64", "tensorflow-cpu"),
        ("linux", "aarch64", "tensorflow"),
        ("win32", "AMD64", "tensorflow"),
        ("darwin", "arm64", "tensorflow"),
    ],
)
def test_there_is_one_tensorflow_for_each_machine(system, machine, wanted):
    """tensorflow-cpu exists for Linux on x86-64, and for Windows, where it saves nothing."""
    here = {"sys_platform": system, "platform_machine": machine}
    chosen = [
        requirement.name
        for requirement in REQUIREMENTS
        if requirement.name.startswith("tensorflow")
        and (requirement.marker is None or requirement.marker.evaluate(here))
    ]
    assert chosen == [wanted]


def test_every_import_is_declared():
    named = {"pillow": "PIL"}
    declared = {re.split("[<>=]", line.replace("-", "_"))[0] for line in PROJECT["dependencies"]}
    declared = {named.get(package, package) for package in declared}
    # The kernel of jupyterlab is built on IPython, ipywidgets on traitlets.
    declared |= {"IPython", "traitlets", "mnist_lab"} | set(sys.stdlib_module_names)
    for path in HOUSE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            assert {name.split(".")[0] for name in names} <= declared, path.name


def locked(end):
    """Return the versions in a lock file; some packages have one for each Python."""
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
    """This lock file is for the machines of CI: Linux on x86-64."""
    versions = locked("oldest")
    here = {"sys_platform": "linux", "platform_machine": "x86_64"}
    for requirement in REQUIREMENTS:
        if requirement.marker and not requirement.marker.evaluate(here):
            continue
        (lowest,) = requirement.specifier
        (version,) = versions[requirement.name]
        assert Version(version) == Version(lowest.version), requirement


def test_pre_commit_has_the_ruff_of_the_project():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    (ruff,) = (str(line) for line in REQUIREMENTS if line.name == "ruff")
    assert [hook["additional_dependencies"] for hook in hooks[:2]] == [[ruff]] * 2


def imports(path):
    """Yield the relative imports of a file: how many levels up, from which module, which names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            names = [alias.name for alias in node.names]
            yield from (
                [(node.level, node.module, names)]
                if node.module
                else ((node.level, name, []) for name in names if name != "__version__")
            )


def test_imports_point_down_and_lead_to_doors():
    places = {path.stem for path in HOUSE.glob("*.py")} - {"__init__"} | WINGS
    assert places == set(FLOORS)
    for path in HOUSE.rglob("*.py"):
        own = path.relative_to(HOUSE).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        below = FLOORS[: FLOORS.index(own)]
        for level, place, names in imports(path):
            if level == len(path.relative_to(HOUSE).parts):  # not from the same package
                assert place in below, f"{path.name} imports {place}"
                if place in WINGS:
                    door = importlib.import_module(f"mnist_lab.{place}")
                    assert set(names) <= set(door.__all__), f"{path.name} imports {names}"


@pytest.mark.parametrize("wing", sorted(WINGS))
def test_no_wing_has_a_circle(wing):
    rooms = {
        path.stem: {place for level, place, _ in imports(path) if level == 1}
        for path in (HOUSE / wing).glob("*.py")
    }
    graphlib.TopologicalSorter(rooms).prepare()  # raises CycleError if there is one
    assert wing not in rooms


# Each public name and the module that the stub imports it from.
STUB = (HOUSE / "__init__.pyi").read_text()
FACE = [
    pytest.param(alias, node.module, id=alias.name)
    for node in ast.parse(STUB).body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
]


@pytest.mark.parametrize(("alias", "door"), FACE)
def test_a_public_name_belongs_to_its_door_and_has_a_docstring(alias, door):
    assert door in FLOORS
    value = getattr(lab, alias.name)
    home = importlib.import_module(f"mnist_lab.{door}")
    assert value is getattr(home, alias.name)
    assert door not in WINGS or alias.name in home.__all__
    assert alias.asname == alias.name  # otherwise editors do not treat it as public
    if callable(value):
        # Not from a module that only passes it on.
        assert f"{value.__module__}.".startswith(f"{home.__name__}.")
        # A dataclass without a docstring shows its signature there.
        assert value.__doc__
        assert not value.__doc__.startswith(f"{alias.name}(")


def test_the_version_is_the_project_s():
    assert lab.__version__ == PROJECT["version"]
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"^## (\S+?),", changes, re.MULTILINE)[1] == PROJECT["version"]
    wheels = re.findall(r"mnist_lab-([\d.]+)-py3", (ROOT / "README.md").read_text("utf-8"))
    assert set(wheels) == {PROJECT["version"]}
    assert STUB.endswith("__version__: str\n")


def test_editors_find_the_public_names():
    completed = jedi.Script("import mnist_lab as lab\nlab.").complete()
    assert {parameter.id for parameter in FACE} == set(lab.__all__)
    assert set(lab.__all__) <= {each.name for each in completed}
    (train,) = jedi.Script("import mnist_lab as lab\nlab.train").goto(follow_imports=True)
    assert train.module_path == Path(inspect.getfile(lab.train))
    (signature,) = train.get_signatures()
    names = [parameter.name for parameter in signature.params]
    assert names == list(inspect.signature(lab.train).parameters)


# One process for several tests: TensorFlow takes seconds to load.
LOADING = """
import gc, importlib.util, sys
import mnist_lab as lab
assert importlib.util.find_spec("tensorflow").origin
assert "tensorflow" not in sys.modules
import keras
keras.ops.zeros(1)
assert importlib.util.find_spec("tensorflow") is sys.modules["tensorflow"].__spec__
from tensorflow.python.framework import test_util
print(test_util.IsMklEnabled())
print(gc.isenabled(), len(gc.get_objects()) < gc.get_freeze_count() / 5)
# As if KERAS_BACKEND were set; the other libraries are not installed here.
keras.config.backend = lambda: "jax"
lab.PARTS["linear"].build()
try:
    lab.train
except ImportError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def loading():
    environment = {name: it for name, it in os.environ.items() if name != ONEDNN}
    return subprocess.run(
        [sys.executable, "-c", LOADING], capture_output=True, text=True, env=environment
    )


def test_tensorflow_loads_silently_and_can_be_looked_up_before(loading):
    assert (loading.returncode, loading.stderr) == (0, "")


def test_another_backend_of_keras_is_refused_in_a_sentence(loading):
    sentence = "mnist_lab trains with TensorFlow, but Keras is set to 'jax': "
    assert loading.stdout.splitlines()[-1].startswith(sentence)


ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
x86 = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="x86 only")


@x86
def test_convolutions_are_onednns(loading):
    assert loading.stdout.splitlines()[0] == "True"


@x86
def test_a_setting_against_onednn_stays():
    script = f"import os, mnist_lab\nprint(os.environ[{ONEDNN!r}])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env=os.environ | {ONEDNN: "0"},
    )  # fmt: skip
    assert done.stdout.strip() == "0"


def test_garbage_is_collected_as_before_but_not_looked_for_in_tensorflow(loading):
    assert loading.stdout.splitlines()[1] == "True True"


def test_what_was_said_before_an_error_is_shown(capfd):
    with quiet.stderr_hidden():
        os.write(2, b"all is well")
    with pytest.raises(ImportError), quiet.stderr_hidden():  # noqa: PT012
        os.write(2, b"the reason")
        raise ImportError
    os.write(2, b", and more")
    assert capfd.readouterr().err == "the reason, and more"
