"""Which notebooks are open, as Jupyter's servers say: answering, silent, hostile and dead ones."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from mnist_lab.__main__ import main
from mnist_lab.notebooks import servers

OPEN = "open in Jupyter at {}: save, close it and shut its kernel down there"
SILENT = "perhaps open in Jupyter at {}, which does not say: stop that server"


class Server:
    """A server on this machine, which answers as it is told, and its note for Jupyter."""

    def __init__(self, runtime, root):
        self.answers = answers = {}
        self.tokens = tokens = []
        self.note = runtime / "jpserver-1.json"

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                tokens.append(self.headers["Authorization"])
                status, content = answers.get(self.path, (404, b"{}"))
                if status is None:  # silent until the other side has lost patience
                    self.connection.recv(1)
                    return
                self.send_response(status)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/user/ada/"
        self.about = {"pid": os.getpid(), "url": self.url, "token": "abc", "root_dir": str(root)}
        self.register()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def register(self, **changes):
        self.note.write_text(json.dumps(self.about | changes))

    def say(self, *names, status=200, what="sessions"):
        content = json.dumps([{"path": name} for name in names]).encode()
        self.answers[f"/user/ada/api/{what}"] = status, content

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    (tmp_path / "runtime").mkdir()
    return tmp_path / "runtime"


@pytest.fixture
def path(tmp_path):
    (tmp_path / "home" / "mine").mkdir(parents=True)
    path = tmp_path / "home" / "mine" / "a b.ipynb"
    path.write_text("{}")
    return path


@pytest.fixture
def server(runtime, path):
    made = Server(runtime, path.parents[1])
    yield made
    made.close()


@pytest.mark.parametrize("name", ["mine/a b.ipynb", "RTC:mine/a b.ipynb", "x/../mine/a b.ipynb"])
def test_a_notebook_with_a_kernel_is_open(server, path, name):
    server.say("mine/c.ipynb", name)
    assert servers.say_open(path) == OPEN.format(server.url)
    assert servers.say_open(path.with_name("b.ipynb")) == ""
    assert set(server.tokens) == {"token abc"}


def test_a_server_may_show_another_folder_or_reach_it_by_a_link(server, path, tmp_path):
    (tmp_path / "link").symlink_to(path.parent)
    server.register(root_dir=str(tmp_path / "link"))
    server.say("a b.ipynb")
    assert servers.say_open(path) == OPEN.format(server.url)
    server.register(root_dir=str(tmp_path / "elsewhere"))
    server.say("../home/mine/a b.ipynb")
    assert servers.say_open(path) == OPEN.format(server.url)


def test_a_notebook_that_people_edit_together_is_open_without_a_kernel(server, path):
    server.say()
    history = "collaboration/timeline/mine/a%20b.ipynb?format=json&type=notebook"
    server.say(what=history)
    assert servers.say_open(path) == OPEN.format(server.url)


def test_a_server_of_jupyterhub_takes_the_token_of_its_user(server, path, monkeypatch):
    server.register(token="")
    server.say()
    assert servers.say_open(path) == ""
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of ada")
    assert servers.say_open(path) == ""
    assert server.tokens[0] == "token "
    assert server.tokens[-1] == "token of ada"


@pytest.mark.parametrize("status", [403, 500, None])
def test_what_lies_with_a_server_that_does_not_say_may_be_open(
    server, path, tmp_path, monkeypatch, status
):
    monkeypatch.setattr(servers, "_WAIT", 0.2)
    server.say(status=status)
    assert servers.say_open(path) == SILENT.format(server.url)
    assert servers.say_open(tmp_path / "other.ipynb") == ""


@pytest.mark.parametrize(
    "content", [b"<html>", b"\xff", b"[1]", b'[{"path": 1}]', b"7", b'{"a": 1}']
)
def test_what_another_service_answers_harms_nothing(server, path, content):
    server.answers["/user/ada/api/sessions"] = 200, content
    assert servers.say_open(path) in {"", SILENT.format(server.url)}


def test_no_token_goes_to_another_machine(server, path):
    url = "https://hub.example.org/user/ada/"
    server.register(url=url)
    assert servers.say_open(path) == SILENT.format(url)
    assert server.tokens == []


def test_what_dead_servers_left_behind_is_no_server(server, path, runtime):
    server.say("mine/a b.ipynb")
    (ended := subprocess.Popen([sys.executable, "-c", ""])).wait()
    server.register(pid=ended.pid)
    assert servers.say_open(path) == ""
    with socket.socket() as free:  # the number of its process is another's by now
        free.bind(("127.0.0.1", 0))
        server.register(url=f"http://127.0.0.1:{free.getsockname()[1]}/")
        assert servers.say_open(path) == ""
    for note in ("", "{", "[]", "7", '{"pid": "x"}', f'{{"pid": {os.getpid()}}}'):
        server.note.write_text(note)
        assert servers.say_open(path) == ""
    server.register()
    (runtime / "jpserver-0.json").mkdir()
    assert servers.say_open(path) == OPEN.format(server.url)


@pytest.mark.gate
def test_a_notebook_that_is_open_in_jupyter_is_left_alone(house, runtime, capsys):
    main(["exercises"])
    main(["update"])
    path = house.mine / "9_sample.ipynb"
    solution = house.solutions / "9_sample.ipynb"
    before = path.read_bytes()
    solution.write_text(solution.read_text("utf-8").replace("A sample", "The sample"), "utf-8")
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"]
    server = subprocess.Popen([*command, f"--ServerApp.root_dir={house.home}"])
    try:
        listed = _wait(lambda: list(runtime.glob("jpserver-*.json")))
        about = json.loads(listed[0].read_text())
        place = path.relative_to(house.home).as_posix()
        session = {"path": place, "type": "notebook", "name": "", "kernel": {"name": "python3"}}
        request = urllib.request.Request(
            f"{about['url']}api/sessions?token={about['token']}", json.dumps(session).encode()
        )
        _wait(lambda: _answers(request))
        capsys.readouterr()
        assert main(["update"]) == 0
        words = f"{path}: {OPEN.format(about['url'])}, and call this again; it was left as it is\n"
        assert capsys.readouterr().out == words
        assert path.read_bytes() == before
        assert [each.name for each in house.mine.iterdir()] == [path.name]
    finally:
        server.terminate()
        server.wait(30)
    assert main(["update"]) == 0
    assert "updated: title" in capsys.readouterr().out


def _wait(ready):
    ends = time.monotonic() + 120
    while not (found := ready()):
        assert time.monotonic() < ends
        time.sleep(0.2)
    return found


def _answers(request):
    try:
        return urllib.request.urlopen(request, timeout=60)
    except OSError:
        return None
