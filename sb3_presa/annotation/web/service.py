"""From a dataset to a running page."""

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minari import MinariDataset

from sb3_presa.annotation.answers.answer import check_annotator
from sb3_presa.annotation.answers.store import AnswerStore, answers_path
from sb3_presa.annotation.asking.desk import Desk, DeskOptions
from sb3_presa.annotation.asking.queues import Queues
from sb3_presa.annotation.asking.strategies import make_strategy
from sb3_presa.annotation.clips.shelf import ClipShelf, prune
from sb3_presa.annotation.clips.worker import Workshop
from sb3_presa.annotation.web.gate import Gate, is_loopback
from sb3_presa.annotation.web.server import PageText, create_app
from sb3_presa.data.episodes import load_transitions
from sb3_presa.errors import ConfigError, FeedbackError

#: Pictures of a clip at most: about four seconds at 15 a second.
MAX_FRAMES = 64
_CACHE_BYTES = 4 * 1024**3


def default_cache() -> Path:
    """Where clips are kept unless something else is said."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "sb3_presa" / "clips"


@dataclass(frozen=True, kw_only=True)
class LabellingOptions:
    """What people are asked, and how.

    :param annotators: who takes part; at least one, all different.
    :param strategy: what chooses the pairs, one of
        :data:`~sb3_presa.annotation.asking.strategies.STRATEGIES`.
    :param strategy_parameters: its settings.
    :param segment_length: steps of a segment, >= 1; a shorter episode is shown whole.
    :param seed: of the strategy.
    :param desk: how many pairs, how many of them are put to all.
    :param clips: how clips are made, as
        :func:`~sb3_presa.annotation.clips.sources.make_source` takes it.
    :param workers: processes that draw clips, >= 1.
    :param cache: the folder in which clips are kept.
    """

    annotators: Sequence[str]
    strategy: str = "random"
    strategy_parameters: Mapping[str, Any] = field(default_factory=dict)
    segment_length: int = 100
    seed: int = 0
    desk: DeskOptions = field(default_factory=DeskOptions)
    clips: str = "auto"
    workers: int = 1
    cache: Path = field(default_factory=default_cache)

    def __post_init__(self) -> None:
        names = list(self.annotators)
        for name in names:
            check_annotator(name)
        if not names or len(set(names)) != len(names):
            raise ConfigError(
                f"the annotators are {names}; allowed are different names, one or more"
            )
        if not 0 <= self.desk.overlap <= 1:
            raise ConfigError(f"overlap is {self.desk.overlap}; allowed is a share from 0 to 1")


@contextlib.contextmanager
def open_desk(
    dataset: MinariDataset, feedback: str, options: LabellingOptions
) -> Iterator[tuple[Desk, dict[str, str]]]:
    """Everything behind the page.

    :param dataset: the open dataset.
    :param feedback: the name of the feedback that the answers become.
    :param options: what people are asked.
    :return: the desk, and how clips are drawn (``name``, and ``why`` in no other way).
    :raises FeedbackError: if the answers that are there belong to other data.
    :raises ConfigError: for settings that cannot be.
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
    store = AnswerStore(answers_path(dataset, feedback), dataset.id)
    with contextlib.ExitStack() as stack:
        stack.callback(store.close)
        _check_episodes(store, hashes)
        prune(options.cache, _CACHE_BYTES)
        shelf = ClipShelf(
            Workshop(Path(dataset.storage.data_path), options.clips, options.cache, MAX_FRAMES),
            hashes,
            options.workers,
        )
        stack.callback(shelf.close)
        desk = Desk(Queues(store), strategy, shelf, hashes, options.annotators, options.desk)
        shelf.on_change = desk.wake
        way = shelf.wait_ready()
        desk.queues.show_with(way["fingerprint"])
        stack.callback(desk.close)
        desk.start()
        yield desk, way


def _check_episodes(store: AnswerStore, hashes: Mapping[int, bytes]) -> None:
    """Refuse data that are not those that people were shown."""
    shown = store.episode_hashes
    gone = sorted(shown.keys() - hashes.keys())
    if gone:
        raise FeedbackError(
            f"{store.path}: people were shown episode {gone[0]}, which is not in the dataset; "
            "these answers belong to other data. Give --feedback another name."
        )
    store.record_episodes({episode: hashes[episode] for episode in shown})


def bind(host: str, port: int) -> socket.socket:
    """Take an address to listen on.

    :param host: a name or a number.
    :param port: 0 for any that is free.
    :return: the socket.
    :raises ConfigError: if it cannot be had.
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
            f"the page cannot be served at {host}, port {port}: {error.strerror}; give --port or "
            "--host another value"
        ) from error
    return listener


def make_gate(
    annotators: Sequence[str], host: str, secret: str, allowed_hosts: Sequence[str]
) -> Gate:
    """Who may open a page that is served at an address.

    :param annotators: who takes part.
    :param host: the address to which the server binds.
    :param secret: from which links are made.
    :param allowed_hosts: further names under which the server may be asked for.
    """
    beyond = not is_loopback(host)
    names = [*allowed_hosts, *([socket.gethostname().lower(), host.lower()] if beyond else [])]
    return Gate(annotators, secret, [name.lower() for name in names], any_address=beyond)


def links(gate: Gate, host: str, port: int) -> dict[str, str]:
    """Each person's link.

    :param gate: the tokens.
    :param host: the address to which the server binds.
    :param port: its port.
    """
    if host in ("0.0.0.0", "::", ""):  # any address: this machine's name is one that others know
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    return {name: f"http://{shown}:{port}{gate.link(name)}" for name in gate.annotators}


def serve(desk: Desk, gate: Gate, text: PageText, listener: socket.socket) -> None:
    """Serve the page until the process is interrupted.

    :param desk: what people are shown.
    :param gate: who may answer.
    :param text: what the owner says.
    :param listener: from :func:`bind`.
    """
    import uvicorn

    port = listener.getsockname()[1]
    app = create_app(desk, gate, text, f"presa_annotate_{port}")
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # links would be in it
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=3,
    )
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
