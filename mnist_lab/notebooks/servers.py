"""Finds out whether a notebook is open in one of this user's local Jupyter servers."""

import contextlib
import json
import urllib.request
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

_WAIT = 1  # seconds that a server has to answer
_LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")


def is_open(path: Path) -> bool:
    """Whether a local Jupyter server has a running kernel for a notebook.

    Asks the servers that Jupyter lists as running. Those that do not answer are skipped, and so are
    those behind another address, as on a JupyterHub.
    """
    path = path.resolve()
    for listed in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            server = json.loads(listed.read_text("utf-8"))
            root = Path(server["root_dir"]).resolve()
            if any(root / session["path"] == path for session in _sessions(server)):
                return True
    return False


def _sessions(server: dict) -> list[dict]:
    if not server["url"].startswith(_LOOPBACK):
        return []
    request = urllib.request.Request(
        f"{server['url']}api/sessions", headers={"Authorization": f"token {server['token']}"}
    )
    # Never through a proxy: some universities set one for all addresses.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_WAIT) as answer:
        return json.load(answer)
