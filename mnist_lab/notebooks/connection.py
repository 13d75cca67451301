"""The connection between a kernel and its page, in the servers that the lab opens."""

import asyncio

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Sends each message at once.

    Jupyter's own lets the system hold back a message until the page has confirmed the one before
    (Nagle's algorithm), which the page's side does up to 40 ms later. A kernel always announces
    that it is busy before it answers, so every second digit drawn was answered 27 ms later.
    """

    def connect(self) -> asyncio.Future[None] | None:
        """Connect as Jupyter does."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
