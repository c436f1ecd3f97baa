"""The server under the page: idle connections, descriptors that are used up, and signals."""

import asyncio
import errno
import logging
import multiprocessing
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from annotation_desk import open_office

from sb3_presa.annotation.web import service, serving
from sb3_presa.annotation.web.service import bind


def _serve(folder: Path, listener: socket.socket, idle_seconds: float) -> None:
    serving.IDLE_SECONDS = idle_seconds  # type: ignore[assignment]
    with open_office(folder) as office:
        service.serve(office.desk, office.gate, office.text, listener)
    (folder / "summary").touch()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_idle_connections_are_closed_and_signals_end_with_the_summary(
    number: signal.Signals, sent: bytes, tmp_path: Path
) -> None:
    fork = multiprocessing.get_context("fork")
    with bind("127.0.0.1", 0) as listener:
        server = fork.Process(target=_serve, args=(tmp_path, listener, 0.2))
        server.start()
        with socket.create_connection(listener.getsockname(), timeout=60) as idle:
            idle.sendall(sent)
            assert idle.recv(1) == b"", "the server has closed it"
        assert server.pid is not None
        os.kill(server.pid, number)
        server.join(60)
    assert server.exitcode == 0
    assert (tmp_path / "summary").exists()


def test_descriptors_that_are_used_up_are_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    loop, handler = asyncio.new_event_loop(), serving.QuietHandler()
    with caplog.at_level(logging.WARNING, serving.__name__):
        for _ in range(50):
            handler(loop, {"exception": OSError(errno.EMFILE, "Too many open files")})
        assert caplog.text.count("raise ulimit -n") == 1
        now[0] = 61.0
        handler(loop, {"exception": OSError(errno.EMFILE, "Too many open files")})
        assert caplog.text.count("raise ulimit -n") == 2
    loop.close()
