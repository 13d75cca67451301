"""Which notebooks are open in a Jupyter server of this user on this machine."""

import contextlib
import json
import urllib.request
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

_WAIT = 1  # seconds that a server has to answer in
_LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")


def is_open(path: Path) -> bool:
    """Whether a running kernel belongs to a notebook, as far as its server says.

    The servers are those that Jupyter itself lists in its folder of running ones; one that does
    not answer, or that somebody else must be asked for as on a JupyterHub, is passed over.
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
    # Never through a proxy, which a university's machine may name for all addresses.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_WAIT) as answer:
        return json.load(answer)
