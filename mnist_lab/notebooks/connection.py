"""A kernel connection without delays, for the servers that the lab starts."""

import asyncio

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Sends each message at once.

    In Jupyter's own, the system may hold back a message until the page has acknowledged the one
    before (Nagle's algorithm), which can take 40 ms. A kernel always says that it is busy before it
    answers, so the answer to every second drawn digit came 27 ms later.
    """

    def connect(self) -> asyncio.Future[None] | None:
        """Switch off Nagle's algorithm, and connect as Jupyter does."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
