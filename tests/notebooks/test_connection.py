"""The connection between a kernel and its page, in a real server."""

import asyncio
import json
import secrets
import socket
from typing import ClassVar

import pytest
from jupyter_server.serverapp import ServerApp
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.websocket import websocket_connect

from mnist_lab.notebooks.connection import PromptConnection

QUESTION = {
    "channel": "shell",
    "header": {"msg_id": "1", "msg_type": "kernel_info_request", "version": "5.3"},
    "parent_header": {},
    "metadata": {},
    "content": {},
}


class Observed(PromptConnection):
    """Keeps what the system knows of each connection."""

    without_delay: ClassVar[list[bool]] = []

    def connect(self):
        done = super().connect()
        stream = self.websocket_handler.ws_connection.stream
        option = stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        self.without_delay.append(bool(option))
        return done


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A Jupyter server without extensions that does not listen yet, and its token."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    token = secrets.token_hex(16)
    app = ServerApp(
        root_dir=str(tmp_path), allow_root=True, kernel_websocket_connection_class=Observed
    )
    app.config.IdentityProvider.token = token
    yield app, token
    ServerApp.clear_instance()


def test_no_message_waits_for_another(server):
    app, token = server

    async def connect():
        app.initialize(argv=[], find_extensions=False, new_httpserver=False)
        sockets = bind_sockets(0, "127.0.0.1")
        HTTPServer(app.web_app).add_sockets(sockets)
        kernels = f"127.0.0.1:{sockets[0].getsockname()[1]}/api/kernels"
        asked = AsyncHTTPClient().fetch(
            f"http://{kernels}?token={token}", method="POST", body="", request_timeout=60
        )
        kernel = json.loads((await asked).body)["id"]
        page = await websocket_connect(f"ws://{kernels}/{kernel}/channels?token={token}")
        await page.write_message(json.dumps(QUESTION))
        while json.loads(await page.read_message())["msg_type"] != "kernel_info_reply":
            pass  # what the kernel says comes through
        page.close()
        await app.kernel_manager.shutdown_all()

    asyncio.run(asyncio.wait_for(connect(), 60))
    assert Observed.without_delay == [True]
