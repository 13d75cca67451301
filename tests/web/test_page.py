"""`mnist-lab page` writes a page that is whole, and leaves other things alone."""

import base64
import gzip
import hashlib
import html
import json
import re

import numpy as np
import pytest

from mnist_lab import web
from mnist_lab.__main__ import main
from mnist_lab.course import PARTS
from mnist_lab.support import DataError, join_modules
from mnist_lab.web import building

LARGEST = 20_000_000  # bytes of all files
ON_FILE = 1_500_000  # bytes of the networks on file


@pytest.fixture(scope="module")
def shipped():
    """All files that the page loads, packed once for all tests."""
    return list(building.ship())


@pytest.fixture(autouse=True)
def packed_once(shipped, monkeypatch):
    monkeypatch.setattr(building, "ship", lambda: iter(shipped))


@pytest.fixture
def folder(tmp_path):
    web.write_page(tmp_path / "page")
    return tmp_path / "page"


def manifest(page):
    """Return what a page says of its files."""
    found = re.search(r'<script type="application/json" id="manifest">(.*?)</script>', page)
    return json.loads(found[1])


def policy(page):
    """Return a page's Content-Security-Policy, by kind."""
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    return dict(each.split(" ", 1) for each in html.unescape(found[1]).split("; "))


def test_every_file_is_as_its_digest_says(folder):
    files = manifest((folder / "index.html").read_text("utf-8"))
    for name, about in files.items():
        content = (folder / about["file"]).read_bytes()
        assert len(content) == about["bytes"], name
        assert hashlib.sha256(content).hexdigest() == about["sha256"], name
    assert len(files["networks"]) == 3
    assert files["networks"]["bytes"] < ON_FILE
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < LARGEST


def test_the_images_are_mnist_s_in_their_order(folder, data):
    files = manifest((folder / "index.html").read_text("utf-8"))

    def unpacked(name):
        content = gzip.decompress((folder / files[name]["file"]).read_bytes())
        count = len(content) // 785
        array = np.frombuffer(content, np.uint8)
        return array[: 784 * count].reshape(-1, 28, 28), array[784 * count :]

    chunks = [unpacked(f"mnist-train-{number}") for number in range(6)]
    for arrays, wanted in (
        (map(np.concatenate, zip(*chunks, strict=True)), (data.x_train, data.y_train)),
        (unpacked("mnist-valid"), (data.x_valid, data.y_valid)),
    ):
        assert all(map(np.array_equal, arrays, wanted))


def test_each_part_has_its_records(shipped):
    names = {each.name for each in shipped}
    assert {f"record-{part}-{seed}" for part in PARTS for seed in range(5)} < names


@pytest.mark.parametrize("single", [False, True])
def test_the_policy_allows_nothing_but_the_page_s_own(tmp_path, single):
    place = tmp_path / "page"
    web.write_page(place, single=single)
    page = (place if single else place / "index.html").read_text("utf-8")
    rules = policy(page)
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == ("'none'" if single else "'self'")
    for kind, allowed in rules.items():
        assert not re.search(r"unsafe-inline|'unsafe-eval'|http|\*", allowed), kind
    # A policy in the page counts for what comes behind it.
    before = page[: page.index("Content-Security-Policy")]
    assert not re.search("<(script|style|link)", before)
    addresses = re.findall(r'<[^<>]+ (?:src|href)="([^"]+)"', page)
    assert not [each for each in addresses if re.match("https?:|//", each)]


def test_the_single_file_s_scripts_are_those_that_its_policy_names(tmp_path):
    web.write_page(tmp_path / "page.html", single=True)
    page = (tmp_path / "page.html").read_text("utf-8")
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy(page)[kind].startswith(f"'sha256-{digest}'")
    inside = re.findall(r'data-name="([^"]+)">([^<]+)</script>', page)
    for name, content in inside:
        about = manifest(page)[name]
        assert hashlib.sha256(base64.b64decode(content)).hexdigest() == about["sha256"]
    assert len(inside) == len(manifest(page))


def test_it_names_its_sources_and_their_licences(folder):
    notice = (folder / "NOTICE.txt").read_text("utf-8")
    for named in ("Yann LeCun and Corinna Cortes", "by-sa/3.0", "Leon Sorokin", "Anthony Fu"):
        assert named in notice
    assert html.escape(notice, quote=False) in (folder / "index.html").read_text("utf-8")


def test_the_service_worker_keeps_what_the_page_opens_with(folder):
    script = (folder / "service-worker.js").read_text("utf-8")
    core = json.loads(re.search("const CORE = (.*);", script)[1])
    assert core[0] == "./"
    assert all((folder / name).is_file() for name in core[1:])
    assert {re.split(r"[/.]", name)[1] for name in core[1:]} == {
        *("page", "style", "worker", "figures", "engine"),
        *("networks", "mnist-train-0", "mnist-valid"),
    }


def test_it_is_written_anew_over_an_earlier_page(folder, capsys):
    (folder / "files" / "old.bin").write_bytes(b"of an earlier version")
    assert main(["page", str(folder)]) == 0
    assert not (folder / "files" / "old.bin").exists()
    assert "python -m http.server --directory" in capsys.readouterr().out
    assert [path.name for path in folder.parent.iterdir()] == ["page"]


@pytest.mark.parametrize("name", ["thesis.txt", "index.html"])
def test_a_folder_of_other_things_is_left_alone(tmp_path, capsys, name):
    (tmp_path / name).write_text("mine")
    assert main(["page", str(tmp_path)]) == 1
    assert f"holds other things ({name})" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_page_beside_other_things_is_left_alone(folder, capsys):
    (folder / "CNAME").write_text("lab.example.org")
    before = sorted(folder.rglob("*"))
    assert main(["page", str(folder)]) == 1
    assert "holds other things (CNAME)" in capsys.readouterr().err
    assert sorted(folder.rglob("*")) == before


def test_an_earlier_page_stays_if_the_next_one_fails(folder, shipped, monkeypatch):
    def breaks_off():
        yield shipped[0]
        raise DataError("no more")

    monkeypatch.setattr(building, "ship", breaks_off)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with pytest.raises(DataError):
        web.write_page(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert [path.name for path in folder.parent.iterdir()] == ["page"]


def test_joined_modules_follow_those_that_they_import(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "main.js").write_text(
        'import {\n  one,\n  two,\n} from "./inner/two.js";\nimport { one } from "./one.js";\n'
        "export const three = one + two;\n"
    )
    (tmp_path / "inner" / "two.js").write_text(
        'import { one } from "../one.js";\nconst two = 2 * one;\nexport { one, two };\n'
    )
    (tmp_path / "one.js").write_text("export const one = 1;\n")
    joined = join_modules(tmp_path / "main.js")
    assert joined.split("\n\n") == [
        "const one = 1;",
        "const two = 2 * one;",
        "const three = one + two;\n",
    ]
