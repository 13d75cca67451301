"""Finds out whether a notebook is open in one of this user's Jupyter servers on this machine."""

import contextlib
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir

_WAIT = 3  # seconds that a server has to answer
# Only there a token is sent to. A server that listens on all addresses is reached here as well.
_HERE = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:", "http://0.0.0.0:")


def say_open(path: Path) -> str:
    """Say in which server a notebook is open, and what to do; empty if it is in none.

    A notebook is open where it has a kernel, whatever folder the server shows, and where people
    edit it together. A running server that does not say what is open may have everything open in
    its folder.
    """
    path = path.resolve()
    for server in _running():
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            root, url = Path(server["root_dir"]).resolve(), server["url"]
            try:
                if _has_kernel(server, root, path) or _is_shared(server, root, path):
                    return (
                        f"open in Jupyter at {url}: save, close it and shut its kernel down there"
                    )
            except (OSError, ValueError):
                if path.is_relative_to(root):
                    return f"perhaps open in Jupyter at {url}, which does not say: stop that server"
    return ""


def _running() -> Iterator[dict]:
    """Yield what Jupyter notes of its running servers.

    Jupyter's own `list_running_servers` takes two seconds to load, ends at a file that cannot be
    read, and deletes the notes of other machines that share the folder.
    """
    from jupyter_server.utils import check_pid

    for note in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            server = json.loads(note.read_text("utf-8"))
            if check_pid(server["pid"]):
                yield server


def _has_kernel(server: dict, root: Path, path: Path) -> bool:
    names = [session["path"] for session in _get(server, "api/sessions") or []]
    # With real-time editing, a name may begin with that of a drive, as in "RTC:2_mlp.ipynb".
    names += [name.partition(":")[2] for name in names]
    return path in {(root / name).resolve() for name in names}


def _is_shared(server: dict, root: Path, path: Path) -> bool:
    """Whether jupyter-collaboration has a room for a notebook: it alone has a history to show."""
    if not path.is_relative_to(root):
        return False
    name = urllib.parse.quote(path.relative_to(root).as_posix())
    history = f"api/collaboration/timeline/{name}?format=json&type=notebook"
    return _get(server, history) is not None


def _get(server: dict, what: str) -> Any:
    """Ask a server, which answers in JSON; None if it knows of no such thing, or runs no more."""
    if not server["url"].startswith(_HERE):
        raise ValueError(f"{server['url']} cannot be asked")
    # A server of JupyterHub has no token of its own, and takes that of its user.
    token = server["token"] or os.environ.get("JUPYTERHUB_API_TOKEN", "")
    headers = {"Authorization": f"token {token}"}
    # Never through a proxy: some universities set one for all addresses.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(f"{server['url']}{what}", headers=headers)
        with opener.open(request, timeout=_WAIT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as problem:
        if problem.code != 404:
            raise
    except urllib.error.URLError as problem:
        # Otherwise the server has ended, and another process has its number now.
        if not isinstance(problem.reason, ConnectionRefusedError):
            raise
    return None
