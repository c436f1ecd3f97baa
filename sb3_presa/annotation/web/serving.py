"""The page's HTTP server: idle connections are closed, and a signal ends it with a summary."""

import asyncio
import errno
import logging
import signal
import socket
import time
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

#: The time in which a connection must have sent a request.
IDLE_SECONDS = 20
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
#: The time between two lines on descriptors that are used up.
_QUIET_SECONDS = 60.0


class ImpatientProtocol(H11Protocol):
    """Closes connections that send nothing, or only a part of a request; uvicorn waits for ever."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_a_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle = getattr(self, "cycle", None)  # None before the first request
        if cycle is None or cycle.response_complete:
            self._expect_a_request()

    def _expect_a_request(self) -> None:
        if self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                IDLE_SECONDS, self.timeout_keep_alive_handler
            )


class Server(uvicorn.Server):
    """Ends orderly on SIGINT and SIGTERM; uvicorn's own raises the signal again at its end."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(QuietHandler())
        await super().serve(sockets)


class QuietHandler:
    """Says at most once a minute that descriptors are used up: asyncio tries again each second."""

    def __init__(self) -> None:
        self._said = -_QUIET_SECONDS

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _NO_DESCRIPTORS):
            loop.default_exception_handler(context)
            return
        now = time.monotonic()
        if now - self._said >= _QUIET_SECONDS:
            self._said = now
            logging.getLogger(__name__).warning(
                "too many open connections or files (%s): new ones wait; raise ulimit -n",
                error.strerror,
            )
