"""Opens a dataset for labelling and serves the page."""

import contextlib
import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minari import MinariDataset

from sb3_presa.annotation.answers.answer import Answer
from sb3_presa.annotation.answers.people import check_person
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.asking.checks import ask_doubts
from sb3_presa.annotation.asking.desk import Desk, DeskOptions
from sb3_presa.annotation.asking.enough import Enough, curve_command
from sb3_presa.annotation.asking.guesses import Guesser
from sb3_presa.annotation.asking.pool import draw_pool
from sb3_presa.annotation.asking.queues import Queues
from sb3_presa.annotation.asking.strategies import make_strategy
from sb3_presa.annotation.clips.curves import Curves
from sb3_presa.annotation.clips.plot import CurvesAlone
from sb3_presa.annotation.clips.shelf import ClipShelf, prune
from sb3_presa.annotation.clips.worker import Workshop
from sb3_presa.annotation.web.gate import OWNER, Gate, is_loopback
from sb3_presa.annotation.web.server import PageText, create_app
from sb3_presa.data.environments import may_be_made
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.file import answers_path
from sb3_presa.files import check_writable

#: Largest number of pictures of a clip: about four seconds at 15 per second.
MAX_FRAMES = 64
#: Segments whose features are standardised for guesses.
_REFERENCE = 2000
_CACHE_BYTES = 4 * 1024**3


def default_cache() -> Path:
    """The default folder of clips."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "sb3_presa" / "clips"


@dataclass(frozen=True, kw_only=True)
class LabellingOptions:
    """Settings of the labelling page.

    :param annotators: names of the people; at least one, all different.
    :param strategy: the strategy that chooses pairs, one of
        :data:`~sb3_presa.annotation.asking.strategies.STRATEGIES`.
    :param strategy_parameters: its settings.
    :param segment_length: steps of a segment, >= 1; shorter episodes are shown as a whole.
    :param seed: seed of the strategy.
    :param desk: number of pairs, and share of pairs for all people.
    :param guess: whether people see what a model expects of their answer.
    :param blind: share in [0, 1] of the questions whose guess is kept back.
    :param clips: the clip source, see :func:`~sb3_presa.annotation.clips.sources.make_source`.
    :param workers: number of processes that draw clips, >= 1.
    :param cache: the folder of clips.
    :param known: questions to which the owner knows the answer; none: those that were given before.
    :param doubts: questions that everybody is asked again.
    :param trust: whether to replay clips in any environment that the dataset names.
    :param curves: columns that are shown as curves at first, as
        :class:`~sb3_presa.annotation.clips.curves.Curves` takes them.
    :param track: positions that are seen from above, as ``Curves`` takes them.
    """

    annotators: Sequence[str]
    strategy: str = "random"
    strategy_parameters: Mapping[str, Any] = field(default_factory=dict)
    segment_length: int = 100
    seed: int = 0
    desk: DeskOptions = field(default_factory=DeskOptions)
    guess: bool = False
    blind: float = 0.2
    clips: str = "auto"
    workers: int = 1
    cache: Path = field(default_factory=default_cache)
    known: Sequence[Answer] = ()
    doubts: Sequence[Answer] = ()
    trust: bool = False
    curves: str | None = None
    track: Sequence[str] | None = None

    def __post_init__(self) -> None:
        names = list(self.annotators)
        for name in names:
            check_person(name)
        if not names or len(set(names)) != len(names):
            raise ConfigError(f"`annotators` must be one or more different names, got {names}")
        for name in ("overlap", "repeats"):
            if not 0 <= getattr(self.desk, name) <= 1:
                raise ConfigError(f"`{name}` must be in [0, 1], got {getattr(self.desk, name)}")
        if self.desk.group not in (2, 4):
            raise ConfigError(f"`group` must be 2 or 4, got {self.desk.group}")
        needs_pairs = {
            "strategy ranking": self.strategy == "ranking",
            "guess": self.guess,
            "repeats": self.desk.repeats > 0,
        }
        for name, wanted in needs_pairs.items():
            if self.desk.group == 4 and wanted:
                raise ConfigError(f"`group` must be 2 with {name}, got 4")
        if not 0 <= self.blind <= 1:
            raise ConfigError(f"`blind` must be in [0, 1], got {self.blind}")


@contextlib.contextmanager
def open_desk(
    dataset: MinariDataset, feedback: str, options: LabellingOptions
) -> Iterator[tuple[Desk, dict[str, str]]]:
    """Open the store, the strategy and the clips behind the page.

    :param dataset: the open dataset.
    :param feedback: the name of the feedback that the answers will be merged into.
    :param options: settings.
    :return: the desk, and the clip source (``name``, and ``why`` earlier ones do not work).
    :raises FeedbackError: if stored answers belong to other data.
    :raises ConfigError: if a setting is invalid.
    """
    transitions = load_transitions(dataset)
    hashes = transitions.hashes_by_id()
    strategy = make_strategy(
        options.strategy,
        transitions,
        options.segment_length,
        options.seed,
        **options.strategy_parameters,
    )
    curves = Curves(dataset, transitions, options.curves, options.track)
    store = AnswerStore(answers_path(dataset, feedback), dataset.id)
    with contextlib.ExitStack() as stack:
        stack.callback(store.close)
        _check_episodes(store, hashes)
        store.record_episodes(_episodes_of([*options.known, *options.doubts], hashes))
        if options.known:
            store.set_known(options.known)
        ask_doubts(Queues(store), options.annotators, options.doubts)
        check_writable(options.cache / "clip")
        prune(options.cache, _CACHE_BYTES)
        shelf = ClipShelf(
            Workshop(
                Path(dataset.storage.data_path),
                options.clips,
                options.cache,
                MAX_FRAMES,
                options.trust or may_be_made(dataset),
            ),
            hashes,
            options.workers,
        )
        stack.callback(shelf.close)
        people, asked = options.annotators, options.desk
        guesser = _guesser(transitions, options) if options.guess else None
        desk = Desk(Queues(store), strategy, shelf, hashes, people, asked, curves, guesser)
        shelf.on_change = desk.wake
        way = shelf.wait_ready()
        alone = way["name"] == CurvesAlone.name
        desk.plots = curves.describe(not alone, way["why"] if alone else "")
        desk.queues.show_with(way["fingerprint"])
        stack.callback(desk.close)
        command = curve_command(Path(dataset.storage.data_path).parent, feedback)
        enough = Enough(command, desk.queues.count)
        stack.callback(enough.close)
        desk.enough = enough
        enough.start()
        desk.start()
        yield desk, way


def _guesser(transitions: Transitions, options: LabellingOptions) -> Guesser:
    length, seed = options.segment_length, options.seed
    return Guesser(
        transitions, draw_pool(transitions, length, _REFERENCE, seed), options.blind, seed
    )


def _episodes_of(questions: Iterable[Answer], hashes: Mapping[int, bytes]) -> dict[int, bytes]:
    segments = [s for one in questions for s in (one.first, one.second) if s is not None]
    return {episode: hashes[episode] for episode, _, _ in segments}


def _check_episodes(store: AnswerStore, hashes: Mapping[int, bytes]) -> None:
    """Check that the data are those that people were shown."""
    shown = store.episode_hashes
    gone = sorted(shown.keys() - hashes.keys())
    if gone:
        raise FeedbackError(
            "the dataset must contain all episodes that were shown to people, but episode "
            f"{gone[0]} is missing: the answers belong to other data ({store.path}). Use another "
            "name with --feedback"
        )
    store.record_episodes({episode: hashes[episode] for episode in shown})


def bind(host: str, port: int) -> socket.socket:
    """Open a socket to listen on.

    :param host: a name or a numeric address.
    :param port: 0 for any free port.
    :return: the socket.
    :raises ConfigError: if the address is not available.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"the page cannot be served at {host}, port {port}: {error.strerror}; use another "
            "--port or --host"
        ) from error
    return listener


def make_gate(
    annotators: Sequence[str], host: str, secret: str, allowed_hosts: Sequence[str]
) -> Gate:
    """The access control of a page that is served at an address.

    :param annotators: names of the people.
    :param host: the address to which the server binds.
    :param secret: the secret of the links.
    :param allowed_hosts: further accepted host names.
    """
    beyond = not is_loopback(host)
    names = [*allowed_hosts, *([socket.gethostname().lower(), host.lower()] if beyond else [])]
    return Gate(annotators, secret, [name.lower() for name in names], any_address=beyond)


def links(gate: Gate, host: str, port: int) -> dict[str, str]:
    """The personal links by name, and that of the owner.

    :param gate: the tokens.
    :param host: the address to which the server binds.
    :param port: its port.
    """
    if host in ("0.0.0.0", "::", ""):  # any address: use the name of this machine
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    names = (*gate.annotators, OWNER)
    return {name: f"http://{shown}:{port}{gate.link(name)}" for name in names}


def serve(desk: Desk, gate: Gate, text: PageText, listener: socket.socket) -> None:
    """Serve the page until the process is interrupted or told to end (SIGTERM).

    :param desk: the desk.
    :param gate: access control.
    :param text: the owner's texts.
    :param listener: from :func:`bind`.
    """
    import uvicorn

    from sb3_presa.annotation.web.serving import ImpatientProtocol, Server

    port = listener.getsockname()[1]
    app = create_app(desk, gate, text, f"presa_annotate_{port}")
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # it would contain links
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=3,
        http=ImpatientProtocol,
    )
    with contextlib.suppress(KeyboardInterrupt):
        Server(config).run(sockets=[listener])
