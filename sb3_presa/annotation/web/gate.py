"""Access control of the labelling page.

A personal link identifies a person, sets a cookie, and leads to a page at a path of that person's
own: people who share a browser stay apart. Answers also need a second token, which is in
the page, where pages of other sites cannot read it. The host name of each request is checked, so
that a foreign name that resolves to this machine (DNS rebinding) gets no access.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sb3_presa.annotation.web.refusals import refusal
from sb3_presa.errors import ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MIN_TOKEN = 16
#: The owner's name in links; nobody else can have it.
OWNER = ""
_HOME = re.compile(r"/owner(?=/|$)|/p/[0-9a-f]+/")

_HEADERS = {
    # Only resources of this server, no inline code, no frames.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Gate:
    """The tokens of a run.

    :param annotators: names of the people with access.
    :param secret: all tokens are derived from it; at least 16 characters. A fixed one keeps the
        links valid after a restart.
    :param hosts: accepted host names, in addition to those of loopback.
    :param any_address: whether numeric addresses are accepted as host names; DNS rebinding needs a
        name.
    :raises ConfigError: if the secret is too short.
    """

    annotators: Sequence[str]
    secret: str
    hosts: Collection[str] = ()
    any_address: bool = False

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_TOKEN:
            raise ConfigError(
                f"the token must have at least {MIN_TOKEN} characters, got {len(self.secret)}; "
                "make one with `openssl rand -hex 16`"
            )

    def _mac(self, purpose: str, annotator: str) -> str:
        text = f"{purpose}\0{annotator}".encode()
        return hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()[:40]

    def link(self, annotator: str) -> str:
        """The path of a person's link, or of that of the :data:`OWNER`."""
        return f"/enter?who={quote(annotator, safe='')}&key={self._mac('link', annotator)}"

    def home(self, annotator: str) -> str:
        """The path of a person's page, or of that of the :data:`OWNER`. It is no secret."""
        return "/owner" if annotator == OWNER else f"/p/{self._mac('home', annotator)[:16]}/"

    def admits(self, annotator: str, key: str) -> bool:
        """Whether a link is valid."""
        return self._knows(annotator) and _same(self._mac("link", annotator), key)

    def _knows(self, annotator: str) -> bool:
        return annotator == OWNER or annotator in self.annotators

    def cookie(self, annotator: str) -> str:
        """A person's cookie: the name and a proof."""
        return f"{annotator.encode().hex()}.{self._mac('cookie', annotator)}"

    def who(self, cookie: str) -> str | None:
        """The person of a cookie; None if the cookie is not valid in this run."""
        name, _, proof = cookie.partition(".")
        try:
            annotator = bytes.fromhex(name).decode()
        except ValueError:
            return None
        known = self._knows(annotator) and _same(self._mac("cookie", annotator), proof)
        return annotator if known else None

    def code(self, annotator: str) -> str:
        """Eight letters and digits by which the owner knows that a person has finished."""
        return self._mac("code", annotator)[:8]

    def page_token(self, annotator: str) -> str:
        """The token that the page sends with each answer."""
        return self._mac("page", annotator)

    def is_page_token(self, annotator: str, token: str) -> bool:
        """Whether a token is that of this person's page."""
        return _same(self._mac("page", annotator), token)

    def knows_host(self, host: str) -> bool:
        """Whether a host name is accepted.

        :param host: the ``Host`` header, with or without a port.
        """
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if not name or "@" in host:
            return False
        if name in LOOPBACK or name in self.hosts:
            return True
        return self.any_address and _is_address(name)


def cookie_of(cookie_name: str, home: str) -> str:
    """The name of somebody's cookie: people and the owner may share a browser.

    :param cookie_name: what the names of all cookies of this server begin with.
    :param home: from :meth:`Gate.home`.
    """
    return f"{cookie_name}_{home.rstrip('/').rpartition('/')[2]}"


def new_secret() -> str:
    """128 random bits."""
    return secrets.token_hex(16)


def is_loopback(host: str) -> bool:
    """Whether a server at this address can be reached only from this machine."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())


class Guard:
    """Middleware that checks access and adds the security headers to every response.

    The person of an accepted request is ``request.state.annotator``.

    :param app: the guarded application.
    :param gate: the tokens.
    :param cookie_name: what the names of its cookies begin with.
    """

    #: Paths without a cookie. They reveal nothing about the data.
    OPEN = ("/enter", "/static/")

    def __init__(self, app: ASGIApp, gate: Gate, cookie_name: str) -> None:
        self._app, self._gate, self._cookie_name = app, gate, cookie_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        found = self._refusal(scope)
        app = self._app if found is None else refusal(scope, *found)
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and message of a request without access, or None."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._gate.knows_host(hosts[0]):
            return 421, "This host name is not accepted; the owner can add it with --allow-host."
        path = scope["path"]
        if any(path == p or (p.endswith("/") and path.startswith(p)) for p in self.OPEN):
            return None
        found = _HOME.match(path)
        home = found[0] if found else "/"
        cookie = HTTPConnection(scope).cookies.get(cookie_of(self._cookie_name, home), "")
        annotator = self._gate.who(cookie)
        if annotator is None or self._gate.home(annotator) != home:
            return (
                401,
                "Open your personal link again: the server was restarted, or a link is missing.",
            )
        scope.setdefault("state", {})["annotator"] = annotator
        if scope["method"] in ("GET", "HEAD"):
            return None
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != hosts[0]:
            return 403, "Answers are only accepted from this server's own page."
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return 403, "Answers are only accepted from this server's own page."
        if not self._gate.is_page_token(annotator, headers.get("x-page-token", "")):
            return 403, "This page is not the one of your link. Open your personal link again."
        return None
