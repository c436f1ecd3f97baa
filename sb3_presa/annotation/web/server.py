"""The web server of ``sb3-presa annotate``: a few routes over a desk, behind a gate."""

import errno
import hashlib
import logging
import re
import shlex
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from sb3_presa.annotation.answers.answer import MAX_NOTE, STRENGTHS, Segment, check_tags
from sb3_presa.annotation.asking.desk import Desk
from sb3_presa.annotation.asking.groups import record_order
from sb3_presa.annotation.asking.places import Choices
from sb3_presa.annotation.asking.queues import Queues
from sb3_presa.annotation.clips.shelf import Clip
from sb3_presa.annotation.web.bodies import (
    ANSWER,
    DETAILS,
    ORDER,
    TOKEN,
    choices_of,
    order_of,
    read_object,
    seconds_of,
    token_of,
)
from sb3_presa.annotation.web.gate import Gate, Guard, cookie_of
from sb3_presa.annotation.web.owner import owners_view
from sb3_presa.annotation.web.page import (
    GENERAL_INSTRUCTIONS,
    render,
    render_markdown,
    static_files,
)
from sb3_presa.annotation.web.refusals import refusal
from sb3_presa.errors import FeedbackError, FileNotWrittenError, StoreBusyError

#: At most 1,000 columns at once, of a dataset that has at most 100,000.
_COLUMNS = re.compile(r"\d{1,5}(,\d{1,5}){0,999}")
_SEGMENT = re.compile(r"(\d{1,9})-(\d{1,9})-(\d{1,9})")
_FOR_A_DAY = {"cache-control": "private, max-age=86400, immutable"}


@dataclass(frozen=True)
class PageText:
    """The owner's texts.

    :param title: the heading of the page.
    :param instructions: Markdown; None: a general text about what is on the screen.
    :param tags: reasons that people may choose; none: the page does not ask for reasons.
    :param consent: Markdown that people must agree to before they can answer; "": nothing.
    :param completion_code: what people see when they have finished; ``{person}`` becomes a code of
        their own; "": nothing.
    :param merge_command: the command that merges the answers, for the owner.
    :raises FeedbackError: if a tag is invalid.
    """

    title: str
    instructions: str | None = None
    tags: tuple[str, ...] = ()
    consent: str = ""
    completion_code: str = ""
    merge_command: str = ""

    def __post_init__(self) -> None:
        check_tags(self.tags)


def create_app(desk: Desk, gate: Gate, text: PageText, cookie_name: str) -> Starlette:
    """The application.

    :param desk: provides the questions and takes the answers.
    :param gate: access control.
    :param text: the owner's texts.
    :param cookie_name: what the names of cookies begin with; different for each server, since the
        ports of a machine share cookies.
    :return: an ASGI application.
    """
    routes = _Routes(desk, gate, text, cookie_name)
    of_a_person = [
        Route("/", routes.page),
        Route("/api/state", routes.state),
        Route("/api/answer", routes.answer, methods=["POST"]),
        Route("/api/consent", routes.consent, methods=["POST"]),
        Route("/api/order", routes.order, methods=["POST"]),
        Route("/api/undo", routes.undo, methods=["POST"]),
        Route("/api/plots", routes.plots),
        Route("/numbers/{place}/{side}", routes.numbers),
        Route("/clips/{place}/{side}/{sheet:int}.jpg", routes.sheet),
    ]
    return Starlette(
        routes=[
            Route("/enter", routes.enter),
            Mount("/p/{home}", routes=of_a_person),
            Route("/owner", routes.owner),
            Route("/owner/clips/{segment}/{sheet:int}.jpg", routes.owners_sheet),
            Route("/owner/numbers/{segment}", routes.owners_numbers),
            Route("/owner/plots", routes.plots),
            Route("/owner/enough", routes.enough),
            Route("/static/{version}/{name}", routes.static),
        ],
        middleware=[Middleware(Guard, gate=gate, cookie_name=cookie_name)],
        exception_handlers={
            HTTPException: _on_refusal,
            StoreBusyError: _on_busy,
            FileNotWrittenError: _on_full_disk,
            OSError: _on_system_error,
            Exception: _on_failure,
        },
    )


class _Routes:
    def __init__(self, desk: Desk, gate: Gate, text: PageText, cookie_name: str) -> None:
        self._desk, self._gate, self._text, self._cookie_name = desk, gate, text, cookie_name
        owners = None if text.instructions is None else {"": text.instructions}
        texts = owners or GENERAL_INSTRUCTIONS
        self._instructions = {screen: render_markdown(one) for screen, one in texts.items()}
        self._consent = render_markdown(text.consent)
        shown = "\0".join([text.title, *self._instructions.values()]).encode()
        self._instructions_hash = hashlib.sha256(shown).hexdigest()[:12]

    async def enter(self, request: Request) -> Response:
        who, key = request.query_params.get("who", ""), request.query_params.get("key", "")
        if not self._gate.admits(who, key):
            return refusal(request.scope, 403, "This link is not valid.")
        # A page that forwards to the next one: browsers do not send a strict cookie along a
        # redirect that began in a mail.
        home = self._gate.home(who)
        response = HTMLResponse(render("enter.html", request.scope["path"], to=home[1:]))
        name = cookie_of(self._cookie_name, home)
        response.set_cookie(name, self._gate.cookie(who), httponly=True, samesite="strict")
        return response

    async def owner(self, request: Request) -> Response:
        without = request.query_params.getlist("without")
        view = await run_in_threadpool(owners_view, self._desk, without)
        left_out = [part for who in view["left_out"] for part in ("--without", who)]
        command = f"{self._text.merge_command} {shlex.join(left_out)}"
        codes = {}
        if self._text.completion_code:
            codes = {one["name"]: self._code(one["name"]) for one in view["people"]}
        texts = {"title": self._text.title, "command": command, "codes": codes}
        return HTMLResponse(render("owner.html", request.scope["path"], **view, **texts))

    async def owners_sheet(self, request: Request) -> Response:
        """A sheet of a segment's pictures, if they are drawn."""
        clip = await run_in_threadpool(self._desk.drawn, _segment(request))
        return await _sheet(clip, request)

    async def owners_numbers(self, request: Request) -> Response:
        segment, columns = _segment(request), _columns(request)
        return _numbers(await run_in_threadpool(self._desk.looked_at, segment, columns))

    def _code(self, annotator: str) -> str:
        return self._text.completion_code.replace("{person}", self._gate.code(annotator))

    def _state(self, annotator: str, holding: str = "") -> dict[str, Any]:
        state = self._desk.state(annotator, holding)
        if state["status"] == "done" and self._text.completion_code:
            state["code"] = self._code(annotator)
        return state

    def _agreed(self, annotator: str) -> bool:
        consent = self._text.consent
        return not consent or self._desk.queues.store.has_consented(annotator, consent)

    async def consent(self, request: Request) -> Response:
        await read_object(request, ())
        store = self._desk.queues.store
        await run_in_threadpool(store.consent, request.state.annotator, self._text.consent)
        return JSONResponse({"outcome": "recorded"})

    async def page(self, request: Request) -> Response:
        annotator = request.state.annotator
        return HTMLResponse(
            render(
                "index.html",
                request.scope["path"],
                title=self._text.title,
                annotator=annotator,
                groups=self._desk.options.group == 4,
                instructions=self._instructions,
                instructions_hash=self._instructions_hash,
                strengths=STRENGTHS,
                tags=self._text.tags,
                max_note=MAX_NOTE,
                consent=self._consent,
                agreed=await run_in_threadpool(self._agreed, annotator),
                page_token=self._gate.page_token(annotator),
            )
        )

    async def enough(self, request: Request) -> Response:
        return JSONResponse({"enough": await run_in_threadpool(self._desk.is_enough)})

    async def state(self, request: Request) -> Response:
        holding = request.query_params.get("holding", "")
        state = await run_in_threadpool(self._state, request.state.annotator, holding)
        return JSONResponse(state)

    async def answer(self, request: Request) -> Response:
        body = await read_object(request, ANSWER, DETAILS)
        place, token = token_of(body, "place"), token_of(body, "token")
        choices, seconds = choices_of(body, self._text.tags), seconds_of(body)
        return await run_in_threadpool(
            self._record, request.state.annotator, place, token, choices, seconds
        )

    async def order(self, request: Request) -> Response:
        body = await read_object(request, ORDER)
        place, token = token_of(body, "place"), token_of(body, "token")
        return await run_in_threadpool(
            self._record_with, record_order, request.state.annotator, place, token,
            order_of(body), seconds_of(body),
        )  # fmt: skip

    def _record(
        self, annotator: str, place: str, token: str, choices: Choices, seconds: float
    ) -> Response:
        return self._record_with(Queues.record, annotator, place, token, choices, seconds)

    def _record_with(self, record: Any, annotator: str, *said: Any) -> Response:
        if not self._agreed(annotator):
            raise HTTPException(400, "Answers are taken after consent only. Reload the page.")
        try:
            outcome = record(self._desk.queues, annotator, *said)
        except StoreBusyError:
            raise
        except FeedbackError as error:
            raise HTTPException(400, str(error)) from error
        if outcome == "unknown":
            raise HTTPException(404, "This is not in your queue.")
        self._desk.wake()
        status = 409 if outcome == "answered" else 200
        state = self._state(annotator)
        return JSONResponse({"outcome": outcome, "state": state}, status)

    async def undo(self, request: Request) -> Response:
        token = token_of(await read_object(request, {"token"}), "token")
        annotator = request.state.annotator
        done = await run_in_threadpool(self._desk.queues.undo, annotator, token)
        self._desk.wake()
        state = await run_in_threadpool(self._state, annotator)
        return JSONResponse(
            {"outcome": "undone" if done else "answered", "state": state}, 200 if done else 409
        )

    async def plots(self, request: Request) -> Response:
        return JSONResponse(self._desk.plots)

    async def numbers(self, request: Request) -> Response:
        place, side = _side(request)
        columns, annotator = _columns(request), request.state.annotator
        return _numbers(
            await run_in_threadpool(self._desk.numbers, annotator, place, side, columns)
        )

    async def sheet(self, request: Request) -> Response:
        clip = await run_in_threadpool(self._desk.clip, request.state.annotator, *_side(request))
        return await _sheet(clip, request)

    async def static(self, request: Request) -> Response:
        found = static_files().get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(found[0], media_type=found[1], headers=headers)


def _side(request: Request) -> tuple[str, str]:
    """A place in a person's queue, and a side of it."""
    place, side = request.path_params["place"], request.path_params["side"]
    if side not in ("left", "right") or not TOKEN.fullmatch(place):
        raise HTTPException(404)
    return place, side


def _segment(request: Request) -> Segment:
    found = _SEGMENT.fullmatch(request.path_params["segment"])
    if found is None:
        raise HTTPException(404)
    episode, start, length = (int(number) for number in found.groups())
    return episode, start, length


def _columns(request: Request) -> list[int]:
    wanted = request.query_params.get("columns", "")
    if not _COLUMNS.fullmatch(wanted):
        raise HTTPException(400, "columns must be whole numbers with commas between them.")
    return [int(number) for number in wanted.split(",")]


async def _sheet(clip: Clip | None, request: Request) -> Response:
    number = request.path_params["sheet"]
    if clip is None or number >= clip.format.sheets:
        raise HTTPException(404)
    content = await run_in_threadpool(clip.sheet, number)
    return Response(content, media_type="image/jpeg", headers=_FOR_A_DAY)


def _numbers(found: dict[str, Any] | None) -> Response:
    if found is None:
        raise HTTPException(404)
    return JSONResponse(found, headers=_FOR_A_DAY)


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(request.scope, error.status_code, error.detail, error.headers)


async def _on_busy(request: Request, error: Exception) -> Response:
    return _try_again("Another program is writing the answers.")


async def _on_full_disk(request: Request, error: Exception) -> Response:
    logging.getLogger(__name__).error("%s", error)
    return _try_again("The server cannot store answers now: its disk is full.")


async def _on_system_error(request: Request, error: Exception) -> Response:
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return _try_again("The server has too many open files.")
    raise error


def _try_again(message: str) -> Response:
    """The page sends the same again by itself."""
    return JSONResponse({"error": message}, 503, headers={"retry-after": "2"})


async def _on_failure(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "The server failed; see the error in its terminal."}, 500)
