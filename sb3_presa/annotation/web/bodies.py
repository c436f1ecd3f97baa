"""Requests of the page: JSON objects, checked before anything is done with them."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from sb3_presa.annotation.asking.groups import Order
from sb3_presa.annotation.asking.places import Choices

TOKEN = re.compile(r"[0-9a-f]{32}")
_MAX_BODY = 16_384
_MAX_SECONDS = 86_400.0
_SAFETY = {"safe": 1.0, "unsafe": 0.0, "unknown": None}
_PREFERENCE = {"left": 1.0, "equal": 0.5, "right": 0.0, "skip": None}

ANSWER = frozenset({"place", "token", "preference", "left", "right", "seconds"})
DETAILS = frozenset({"strength", "unsafe_left", "unsafe_right", "tags", "note"})


ORDER = frozenset({"place", "token", "ranks", "safe", "seconds"})


async def read_object(
    request: Request, keys: Collection[str], optional: Collection[str] = ()
) -> Mapping[str, Any]:
    """The body of a request, a JSON object with exactly these keys.

    :param request: the request.
    :param keys: required keys.
    :param optional: keys that may be missing.
    :raises HTTPException: if the body is something else.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "The body must be application/json.")
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MAX_BODY:
            raise HTTPException(413, f"The body must have at most {_MAX_BODY} bytes.")
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise HTTPException(400, "The body must be JSON.") from None
    if not isinstance(body, dict) or not set(keys) <= body.keys() <= {*keys, *optional}:
        raise HTTPException(400, f"The body must be an object with the keys {sorted(keys)}.")
    return body


def token_of(body: Mapping[str, Any], key: str) -> str:
    """A token of 32 hexadecimal digits.

    :raises HTTPException: for other values.
    """
    value = body[key]
    if not isinstance(value, str) or not TOKEN.fullmatch(value):
        raise HTTPException(400, f"{key} must be 32 hexadecimal digits.")
    return value


def seconds_of(body: Mapping[str, Any]) -> float:
    """The time that an answer took.

    :raises HTTPException: for other values.
    """
    seconds = body["seconds"]
    if type(seconds) not in (int, float) or not 0 <= seconds <= _MAX_SECONDS:
        raise HTTPException(400, f"seconds must be a number from 0 to {_MAX_SECONDS:.0f}.")
    return float(seconds)


def order_of(body: Mapping[str, Any]) -> Order:
    """A person's order of a group.

    :param body: the order.
    :raises HTTPException: for values that no page sends.
    """
    ranks, safe = body["ranks"], body["safe"]
    if not isinstance(ranks, list) or not all(type(n) is int and 0 <= n < 4 for n in ranks):
        raise HTTPException(400, "ranks must be a list of whole numbers from 0 to 3.")
    if not isinstance(safe, list) or not all(isinstance(s, str) and s in _SAFETY for s in safe):
        raise HTTPException(400, f"safe must be a list of {', '.join(_SAFETY)}.")
    return Order(tuple(ranks), tuple(_SAFETY[one] for one in safe))


def choices_of(body: Mapping[str, Any], tags: Sequence[str]) -> Choices:
    """A person's choices. Whether they fit the clips is checked when they are stored.

    :param body: the answer.
    :param tags: the owner's list.
    :raises HTTPException: for values that no page sends.
    """
    if body["preference"] is None:
        raise HTTPException(400, f"preference must be one of {', '.join(_PREFERENCE)}.")
    given, note = body.get("tags", []), body.get("note", "")
    if not isinstance(given, list) or any(tag not in tags for tag in given):
        raise HTTPException(400, f"tags must be a list of {', '.join(tags) or 'none'}.")
    if not isinstance(note, str):
        raise HTTPException(400, "note must be a string.")
    return Choices(
        preference=_choice(body, "preference", _PREFERENCE),
        safe_left=_choice(body, "left", _SAFETY),
        safe_right=_choice(body, "right", _SAFETY),
        strength=_whole(body, "strength"),
        unsafe_from_left=_whole(body, "unsafe_left"),
        unsafe_from_right=_whole(body, "unsafe_right"),
        tags=tuple(given),
        note=note,
    )


def _choice(body: Mapping[str, Any], key: str, allowed: Mapping[str, float | None]) -> float | None:
    value = body[key]
    if value is None:
        return None
    if not isinstance(value, str) or value not in allowed:
        raise HTTPException(400, f"{key} must be null or one of {', '.join(allowed)}.")
    return allowed[value]


def _whole(body: Mapping[str, Any], key: str) -> int | None:
    value = body.get(key)
    if value is not None and type(value) is not int:
        raise HTTPException(400, f"{key} must be null or an integer.")
    return value
