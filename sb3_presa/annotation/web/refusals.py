"""Refusals: a page for people who opened an address, JSON for scripts."""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

from sb3_presa.annotation.web.page import render

_NO_ACCESS: Final = (
    "This link is not valid",
    "Links are personal, and a new start of the server may change them. Ask the owner for the one "
    "that is valid now.",
)
_NO_PAGE: Final = (
    "This page does not exist",
    "Open your personal link again. If you no longer have it, ask the owner.",
)
_FOR_PEOPLE: Final = {401: _NO_ACCESS, 403: _NO_ACCESS, 404: _NO_PAGE}


def refusal(
    scope: Scope, status: int, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The reply to a request that is refused.

    :param scope: the request.
    :param status: the status.
    :param message: the reason, for scripts.
    :param headers: further headers.
    """
    if "text/html" not in Headers(scope=scope).get("accept", ""):
        return JSONResponse({"error": message}, status, headers)
    heading, text = _FOR_PEOPLE.get(status, ("This is not possible", message))
    return HTMLResponse(
        render("refused.html", scope["path"], heading=heading, text=text), status, headers
    )
