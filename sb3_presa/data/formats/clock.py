"""Topics that have clocks of their own, on one clock."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sb3_presa.data.formats.format import Options, Reading, Resampling
from sb3_presa.data.formats.roles import Chosen, Roles, choose
from sb3_presa.data.formats.table import Array, LogColumn, Table
from sb3_presa.errors import ConfigError, DatasetError

#: The column of times that a resampled log has.
TIME = "time"
#: Numbers of one field up to which they are columns; pictures and clouds of points have more.
_MOST_NUMBERS = 1024
#: Steps without a message after which it is said that the last one was held.
_LONG_GAP = 5
_NANOSECONDS = 1e9


@dataclass(frozen=True)
class Topic:
    """A topic.

    :param name: as ``/joint_states``.
    :param fields: names of the numbers in its first message, as ``position[0]``.
    """

    name: str
    fields: tuple[str, ...]

    def columns(self) -> list[str]:
        """Names of its columns, as ``/joint_states.position[0]``."""
        return [f"{self.name}.{field}" if field else self.name for field in self.fields]


@dataclass(frozen=True)
class Message:
    """The numbers of a message.

    :param topic: where it was sent.
    :param time: when it was recorded, in nanoseconds.
    :param values: by their names.
    """

    topic: str
    time: int
    values: dict[str, float | int | bool]


class Topics(Protocol):
    """The topics of a file."""

    def first(self) -> Iterator[Topic]:
        """Every topic that has messages with numbers."""

    def messages(self, topics: list[str]) -> Iterator[Message]:
        """The messages of some topics, in any order; those of one time in the order of the file.

        :param topics: their names.
        """


def flat_numbers(
    value: Any, fields: Callable[[Any], dict[str, Any] | None], prefix: str = ""
) -> dict[str, float | int | bool]:
    """The numbers of a message, by names such as ``twist.linear.x`` and ``position[0]``.

    Headers, texts and long arrays are left out.

    :param value: a message or a part of it.
    :param fields: the fields of a message by name; None if the value is not a message.
    :param prefix: the name of this part.
    """
    if isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
        return {prefix: value.item() if isinstance(value, np.generic) else value}
    if isinstance(value, str | bytes) or value is None:
        return {}
    parts = fields(value)
    if parts is not None:
        found: dict[str, float | int | bool] = {}
        for name, part in parts.items():
            if name != "header":
                found |= flat_numbers(part, fields, f"{prefix}.{name}" if prefix else name)
        return found
    try:
        entries = list(value) if len(value) <= _MOST_NUMBERS else []
    except TypeError:
        return {}
    found = {}
    for index, entry in enumerate(entries):
        found |= flat_numbers(entry, fields, f"{prefix}[{index}]")
    return found


def bag_reading(where: str, topics: Topics, options: Options, *, typed: bool) -> Reading:
    """One episode of a file of topics.

    :param where: the file, for messages.
    :param topics: what is in it.
    :param options: what the user says.
    :param typed: whether messages tell integers from real numbers that happen to be whole.
    :raises DatasetError: if a topic has too few messages, or its messages differ in their numbers.
    :raises ConfigError: if a name does not fit.
    """
    known = list(topics.first())
    homes = {column: topic for topic in known for column in topic.columns()}
    chosen = choose(options.roles, list(homes), where)
    wanted = list(dict.fromkeys(homes[name].name for name in chosen.all()))
    streams = _streams(where, topics, [topic for topic in known if topic.name in wanted])
    rate = options.rate or min(stream.rate for stream in streams.values())
    clock, notes = _clock(where, streams, rate)
    values = {
        name: streams[homes[name].name].on(clock, name, _way(name, chosen, options.resampling))
        for name in chosen.all()
    }
    seconds = (clock - clock[0]) / _NANOSECONDS
    columns = {**values, TIME: seconds}
    for name in chosen.actions:
        columns[name] = columns[name][:-1]
    table = Table(
        where,
        tuple(columns),
        lambda name: LogColumn(columns[name], integer=columns[name].dtype.kind in "iub"),
        row_name="moment",
        typed=typed,
    )
    notes.insert(0, f"resampled to {rate:.6g} steps a second ({options.resampling})")
    return Reading(
        [table],
        Roles(
            observations=chosen.observations,
            actions=chosen.actions,
            time=TIME,
            episode="",
        ),
        notes,
        metadata={"fps": rate},
        several=False,
    )


def _way(name: str, chosen: Chosen, resampling: Resampling) -> str:
    observed = {column for part in chosen.observations.values() for column in part}
    return resampling if name in observed else "step"


@dataclass(eq=False)
class _Stream:
    """The messages of a topic, by time; those of one time in the order of the file."""

    where: str
    times: npt.NDArray[np.int64]
    columns: dict[str, Array]

    @property
    def rate(self) -> float:
        """Messages a second; infinite for one that is sent once."""
        apart = np.diff(self.times)
        apart = apart[apart > 0]
        return _NANOSECONDS / float(np.median(apart)) if len(apart) else np.inf

    def on(self, clock: npt.NDArray[np.int64], name: str, way: str) -> Array:
        """A column on a clock.

        :param clock: nanoseconds, ascending.
        :param name: of the column.
        :param way: ``"previous"``: the last message up to a moment. ``"linear"``: between two
            messages. ``"step"``: the last message before the next moment, which is what a policy
            answered to an observation.
        """
        values = self.columns[name]
        if way == "linear" and values.dtype.kind == "f":
            last = np.append(np.diff(self.times) > 0, True)  # of one time, the later counts
            first = self.times[0]  # subtracted as integers: float64 holds no nanoseconds of today
            known = (self.times[last] - first).astype(np.float64)
            return np.asarray(np.interp((clock - first).astype(np.float64), known, values[last]))
        moments, side = clock, "right"
        if way == "step":
            step = clock[1] - clock[0]
            moments, side = np.append(clock[1:], clock[-1] + step), "left"
        places = np.searchsorted(self.times, moments, side=side) - 1  # type: ignore[call-overload]
        return np.asarray(values[np.maximum(places, 0)])


def _streams(where: str, topics: Topics, chosen: Sequence[Topic]) -> dict[str, _Stream]:
    times: dict[str, list[int]] = {topic.name: [] for topic in chosen}
    rows: dict[str, list[list[Any]]] = {topic.name: [] for topic in chosen}
    fields = {topic.name: topic.fields for topic in chosen}
    for message in topics.messages(list(times)):
        if tuple(message.values) != fields[message.topic]:
            lost = sorted(set(fields[message.topic]) ^ set(message.values))
            raise DatasetError(
                f"{where}: messages of {message.topic} must have the same numbers, but message "
                f"{len(times[message.topic])} differs in {', '.join(lost[:5]) or 'their order'}"
            )
        times[message.topic].append(message.time)
        rows[message.topic].append(list(message.values.values()))
    streams = {}
    for topic in chosen:
        stamps = np.asarray(times[topic.name], dtype=np.int64)
        order = np.argsort(stamps, kind="stable")
        parts = [np.asarray(column)[order] for column in zip(*rows[topic.name], strict=True)]
        columns = dict(zip(topic.columns(), parts, strict=True))
        streams[topic.name] = _Stream(where, stamps[order], columns)
    return streams


def _clock(
    where: str, streams: dict[str, _Stream], rate: float
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The moments, in nanoseconds: from when every topic has spoken until one ends."""
    if not np.isfinite(rate):
        raise ConfigError(
            f"`rate` must be given, because no topic of {where} has two messages, got None"
        )
    repeated = [stream for stream in streams.values() if len(stream.times) > 1]
    start = max(int(stream.times[0]) for stream in streams.values())
    end = min((int(stream.times[-1]) for stream in repeated), default=start)
    step = _NANOSECONDS / rate
    count = int((end - start) / step + 1e-6) + 1 if end > start else 0
    if count < 2:
        raise DatasetError(
            f"{where}: the topics {', '.join(streams)} must overlap for at least a step of "
            f"{1 / rate:.3g} s, got {(end - start) / _NANOSECONDS:.3g} s; choose other topics, or "
            "a higher rate"
        )
    notes = []
    for name, stream in streams.items():
        gap = float(np.diff(stream.times).max(initial=0)) / step
        if gap > _LONG_GAP:
            notes.append(
                f"{where}: {name} is silent for up to {gap:.0f} steps; its last message is held"
            )
    return start + np.rint(np.arange(count) * step).astype(np.int64), notes
