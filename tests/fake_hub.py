"""A hub on this machine: as much of its protocol as uploading a folder and downloading need."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_COMMIT = "a" * 40


class FakeHub(ThreadingHTTPServer):
    """Keeps the files of the last commit, and the paths that were asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.refuses = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeHub

    def log_message(self, format: str, *args: object) -> None:
        self.server.asked.append(self.path)

    def do_POST(self) -> None:
        body = self._body()
        if self.server.refuses:
            self._answer({"error": "no"}, 403)
        elif "/preupload/" in self.path:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self._answer({"files": files})
        elif "/commit/" in self.path:
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    value = entry["value"]
                    self.server.files[value["path"]] = base64.b64decode(value["content"])
            url = f"{self.server.url}/me/agent/commit/{_COMMIT}"
            self._answer({"success": True, "commitOid": _COMMIT, "commitUrl": url})
        else:  # of a new repository, or of the card's metadata
            self._answer({"url": f"{self.server.url}/me/agent", "errors": [], "warnings": []})

    def do_GET(self) -> None:
        name = self.path.partition("/resolve/")[2].partition("/")[2]
        content = self.server.files.get(name)
        if content is None:
            self._answer({"error": "not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        else:
            etag = f'"{hashlib.sha256(content).hexdigest()}"'  # by which downloads are kept
            self._answer(content, 200, {"ETag": etag, "X-Repo-Commit": _COMMIT})

    do_HEAD = do_GET  # noqa: N815  # as BaseHTTPRequestHandler calls it

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length")
        if length is not None:
            return self.rfile.read(int(length))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(
        self, body: object, code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def running() -> Iterator[FakeHub]:
    """A hub during the block."""
    with FakeHub() as hub:
        thread = threading.Thread(target=hub.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
