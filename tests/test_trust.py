"""Security: which dangerous calls the code makes, and what the files of the project reveal."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import psutil
import pytest

from mnist_lab import data as data_module
from mnist_lab.checks import MIME

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "mnist_lab").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[es]*/*.ipynb"))  # not mine/, which is a student's

# Modules and calls that run the contents of a file, start programs or open connections; and the
# files that may use them.
MODULES = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "yaml", "subprocess"}
MODULES |= {
    "socket",
    "ssl",
    "http",
    "ftplib",
    "requests",
    "urllib",
    "webbrowser",
    "runpy",
    "ctypes",
}
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "importlib.import_module",
}
CALLS |= {"keras.models.load_model", "keras.saving.load_model"}
SAFE = {"shell": "False", "allow_pickle": "False", "safe_mode": "True"}
ALLOWED = {
    ("data.py", "urllib.request"),  # download_mnist
    # These only quote and unquote names.
    ("cells.py", "urllib.parse"),
    ("opening.py", "urllib.parse"),
    ("rendering.py", "urllib.parse"),
    ("servers.py", "urllib.parse"),
    ("servers.py", "urllib.error"),
    ("servers.py", "urllib.request"),  # asks the user's own Jupyter server which notebooks are open
    ("handin.py", "subprocess"),  # Chromium prints a page that this package wrote
    ("quiet.py", "ctypes"),  # glibc's mallopt and malloc_trim, with constant arguments
    ("background.py", "ctypes"),
    # Linux' own calls for a room with walls; two of its processes pass descriptors to each other.
    ("linux.py", "ctypes"),
    ("linux.py", "socket"),
    ("walls.py", "socket"),
    # A judge pickles what a student's process unpickles, and nothing in the other direction; and it
    # has that process evaluate expressions of the exercise.
    ("hearing.py", "pickle"),
    ("telling.py", "pickle"),
    ("examinee.py", "eval"),
    ("__main__.py", "importlib.import_module"),  # the module given with --executor
}

PLACE = re.compile(r"(?<![\w.])/(?:home|root|Users|tmp|var|mnt|work)/\w|\b[A-Z]:\\{1,2}\w")
MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b")
TOKEN = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[opsru]_\w{30}|\bgithub_pat_\w{20}|\bglpat-[\w-]{20}|"
    r"\bxox[abprs]-[\w-]{10}|\bsk-[\w-]{20}|\bhf_[A-Za-z]{30}|\bAIza[\w-]{35}|\bpypi-Ag\w{20}|"
    r"\beyJ[\w-]{10,}\.eyJ[\w-]{10}|-{5}BEGIN|token=[0-9a-f]{16}|://[^/\s:@]+:[^/\s@]+@"
)
DIGEST = re.compile(r"(?<!\w)[0-9a-fA-F]{32,}(?!\w)")  # or a key
IMAGE = re.compile(r"(?<=;base64,)[\w+/=]+")
PIXELS = re.compile(r"(?<=\")[\w+/]{300,}=*(?=\")")  # of a golden file, in base64


def dangers(source):
    """Yield imports, calls and arguments in a source that could run the contents of a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names & CALLS
            if node.module.split(".")[0] in MODULES:
                yield node.module
        elif isinstance(node, ast.Call):
            if ast.unparse(node.func) in CALLS:
                yield ast.unparse(node.func)
            for option in node.keywords:
                if ast.unparse(option.value) != SAFE.get(option.arg, ast.unparse(option.value)):
                    yield option.arg


def test_no_source_runs_the_contents_of_a_file():
    found = {(path.name, name) for path in SOURCES for name in dangers(path.read_text())}
    assert found == ALLOWED


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import load",
        "import http.client as client",
        "from os import system",
        "def f():\n    return eval(open('x').read())",
        "np.load(file, allow_pickle=True)",
        "run(line, shell=True)",
    ],
)
def test_the_search_finds_what_it_should(source):
    assert list(dangers(source))


OFFLINE = """
import sys
asked = []
def refuse(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        place = arguments[0]
    elif event in ("socket.connect", "socket.sendto"):
        place = arguments[1][0] if isinstance(arguments[1], tuple) else "127.0.0.1"
    else:
        return
    if place not in ("127.0.0.1", "::1", "localhost"):
        asked.append(place)
        raise OSError(f"there is no network, and {place} is asked for")
sys.addaudithook(refuse)
import mnist_lab as lab
from mnist_lab.__main__ import main
data = lab.load_mnist()
piece = lab.Dataset(data.x_train[:500], data.y_train[:500], data.x_valid[:100], data.y_valid[:100])
run = lab.train(lab.build_linear(), piece, epochs=1)
lab.plot_accuracy(run)
assert main(["exercises", "--check"]) == 0
assert main(["export", "--output", sys.argv[1]]) == 0
assert not asked, asked
try:
    lab.download_mnist(sys.argv[1] + ".npz")
except lab.DataError:
    print(*asked)
"""


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    """Run a process without a network; return what it tried to download, and its exported page."""
    page = tmp_path_factory.mktemp("offline") / "page.html"
    command = [sys.executable, "-c", OFFLINE, str(page)]
    done = subprocess.run(command, cwd=page.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1], page.read_text(encoding="utf-8")


@pytest.mark.gate
def test_only_a_download_needs_a_network(offline):
    assert offline[0] == data_module.URL


class Elements(HTMLParser):
    """Collects all elements of a page with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def scripts(page):
    """Yield the elements and attributes of a page that would run in a browser."""
    for tag, attributes in Elements(page).found:
        if tag in ("script", "iframe", "object", "embed", "base", "form"):
            yield tag
        for name, value in attributes.items():
            if name.startswith("on") or re.match(r"\s*(javascript|vbscript):", value or ""):
                yield f"{tag} {name}"


def leaks(text):
    """Yield folders of a machine, e-mail addresses and keys: no published file may have any."""
    text = PIXELS.sub("", IMAGE.sub("", text))
    known = {data_module.SHA256, *data_module.DIGESTS.values()}
    for pattern in (PLACE, MAIL, TOKEN):
        yield from (found[0] for found in pattern.finditer(text))
    yield from set(DIGEST.findall(text)) - known


@pytest.mark.parametrize(
    "text",
    [
        "/home/ada/mnist", "see /tmp/x", r"C:\\Users", "ada@example.org", f"AKIA{'7' * 16}",
        f"ghp_{'a' * 36}", "-" * 5 + "BEGIN RSA PRIVATE KEY", "8f" * 16,
        f"http://127.0.0.1:8888/?token={'8f' * 24}",
    ],
)  # fmt: skip
def test_the_search_for_leaks_finds_what_it_should(text):
    assert list(leaks(text))


@pytest.mark.parametrize(
    "page", ["<SCRIPT>", "<img src=x onerror='f()'>", "<a href=' javascript:f()'>"]
)
def test_the_search_for_scripts_finds_what_it_should(page):
    assert list(scripts(page))


@pytest.mark.gate
def test_the_exported_page_runs_nothing_and_reveals_nothing(offline):
    assert "Recorded: " in offline[1]
    assert not list(scripts(offline[1]))
    assert not list(leaks(offline[1]))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def notebook(request):
    return nbformat.read(request.param, as_version=4)


# Elements of pictures and of the checks' cards that JupyterLab shows in untrusted notebooks.
# `pre` is how Keras prints the summary of a model.
SHOWN = dict.fromkeys(("b", "br", "code", "i", "small"), frozenset())
SHOWN |= {"img": {"alt", "width", "src"}, "div": {"role", "style"}}
SHOWN |= {tag: {"style"} for tag in ("li", "pre", "span", "ul")}


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_no_output_names_a_place_on_a_machine(notebook):
    for output in outputs(notebook):
        said = output.get("text", "") + output.get("data", {}).get("text/plain", "")
        assert not re.search(r"(^|\W)/\w+/\w", said)


def test_its_outputs_need_no_trust(notebook):
    assert "widgets" not in notebook.metadata
    assert "signature" not in notebook.metadata
    for cell in notebook.cells:
        assert "trusted" not in cell.metadata, cell.id
        if cell.cell_type == "markdown":
            assert not list(scripts(cell.source)), cell.id
    for output in outputs(notebook):
        # The findings of a check are data, which no front end shows. A program of the student's
        # own draws with matplotlib, whose pictures are PNG.
        kinds = {"text/plain", "text/html", MIME, "image/png"}
        assert set(output.get("data", {})) <= kinds
        # JupyterLab removes most elements and attributes of untrusted outputs, but not these.
        for tag, attributes in Elements(output.get("data", {}).get("text/html", "")).found:
            assert set(attributes) <= SHOWN[tag]
            assert attributes.get("src", "data:image/png;base64,").startswith("data:image/png;")


def files():
    if not (ROOT / ".git").exists():
        pytest.skip("only git knows which files are to be looked at")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_file_reveals_a_secret():
    found = {}
    numbers = set((ROOT / "tests" / "front").glob("*.json"))  # of both languages, with digests
    for path in set(files()) - numbers - {Path(__file__)}:
        if path.suffix not in {".npz", ".png", ".wasm", ".zip"}:
            found[path.relative_to(ROOT)] = set(leaks(path.read_text(encoding="utf-8")))
    readme = found.pop(Path("data/README.md"))
    assert all(len(each) == 32 for each in readme), "only the MD5 digests of MNIST's first files"
    assert {name: each for name, each in found.items() if each} == {}


def test_no_file_is_large_but_the_data():
    large = [path.relative_to(ROOT) for path in files() if path.stat().st_size > 1.5e6]
    assert large == [Path("data/mnist.npz")]


@pytest.fixture
def make_lab(tmp_path):
    """Start JupyterLab as `make lab` does; yield the contents of its runtime file."""
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    own += ("JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    environment = os.environ | dict.fromkeys(own, str(tmp_path)) | {"BROWSER": "true"}
    told = subprocess.run(
        ["make", "--dry-run", "--always-make", "lab", f"VENV={sys.prefix}"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    line = told[told.index(f"{sys.prefix}/bin/mnist-lab lab") :].splitlines()[0] + " --no-browser"
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(f"exec {line}", shell=True, cwd=ROOT, env=environment,
                                  stdout=log, stderr=log)  # fmt: skip
    try:
        file = tmp_path / f"jpserver-{server.pid}.json"
        deadline = time.monotonic() + 60
        while not file.exists() and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        assert file.exists(), (tmp_path / "log").read_text()
        about = json.loads(file.read_text())
        # The file may be there before the server listens.
        process = psutil.Process(about["pid"])
        while not process.net_connections("inet") and time.monotonic() < deadline:
            time.sleep(0.1)
        yield about
    finally:
        server.terminate()
        server.wait(30)


def status(address):
    try:
        return urllib.request.urlopen(address, timeout=30).status
    except urllib.error.HTTPError as refusal:
        return refusal.code


@pytest.mark.gate
@pytest.mark.skipif(not shutil.which("make"), reason="make lab needs make")
def test_the_students_jupyterlab_is_open_to_nobody_else(make_lab):
    connections = psutil.Process(make_lab["pid"]).net_connections("inet")
    listening = {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    assert listening
    assert listening <= {"127.0.0.1", "::1"}
    contents = f"{make_lab['url']}api/contents"
    assert len(make_lab["token"]) >= 32
    assert status(contents) == 403
    assert status(f"{contents}?token={make_lab['token'][::-1]}") == 403
    assert status(f"{contents}?token={make_lab['token']}") == 200
