"""From tables to episodes: where they begin and end, and what is wrong with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.data.checks import NEGATIVE_COST
from sb3_presa.data.fault_list import FaultList
from sb3_presa.data.formats.roles import DONE, Chosen
from sb3_presa.data.formats.table import (
    Array,
    LogColumn,
    RowNames,
    Scalar,
    Table,
    as_seconds,
    is_text,
)

Rows = npt.NDArray[np.int64]

_FINITE = "fill the value in, or leave the episode out (skip_faulty, --skip-faulty)"
_MOST_TEXT = 40


@dataclass(eq=False)
class LoggedEpisode:
    """One episode of T steps.

    :param where: the file and the episode, to begin a message with.
    :param observations: ``(T + 1, ...)`` by the key of a Dict space, ``""`` for one array.
    :param actions: ``(T, ...)``.
    :param rewards: ``(T,)``, None where the log has none.
    :param costs: ``(T,)``, None where the log has none.
    :param times: ``(T + 1,)`` seconds since the first, None where the log has none.
    :param terminated: whether the task ended there.
    :param truncated: whether the episode was cut off there; both may be so at once.
    :param attributes: facts about it.
    :param repeated: whether the log had T observations, so that the last one is there twice.
    :param table: the place of the table that it is in.
    :param place: the file and the line of one of its rows, for messages.
    """

    where: str
    observations: dict[str, Array]
    actions: Array
    rewards: Array | None
    costs: Array | None
    times: Array | None
    terminated: bool
    truncated: bool
    attributes: dict[str, Scalar]
    repeated: bool
    table: int
    place: Callable[[int], str]


@dataclass(eq=False)
class _Loaded:
    """The chosen columns of a table, in memory; all have as many rows as observations."""

    table: Table
    observations: dict[str, Array]
    actions: Array
    without_action: npt.NDArray[np.bool_]
    single: dict[str, Array]
    following: dict[str, Array]
    keep: dict[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.without_action)


class Assembly:
    """Collects the episodes of tables that have the same columns.

    :param chosen: the columns by what they are.
    :param several: whether a table holds several episodes.
    :param faults: gets what is wrong.
    """

    def __init__(self, chosen: Chosen, several: bool, faults: FaultList) -> None:
        self._chosen, self._several, self._faults = chosen, several, faults
        self.episodes: list[LoggedEpisode] = []
        #: whether every action column of every table so far holds integers
        self.integer_actions = True
        #: whether the files say so, and not only their numbers
        self.typed = True
        #: the heading of every chosen column: its name, unit and the names of its coordinates
        self.headings: dict[str, LogColumn] = {}
        self.empty = 0
        #: episodes with rows of others between theirs
        self.scattered = 0
        self._seen: dict[Any, str] = {}

    def add(self, table: Table, place: int) -> None:
        """Take the episodes of a table.

        :param table: it has the chosen columns.
        :param place: its number.
        """
        loaded = self._load(table)
        if loaded is None:
            return
        for name, rows in self._parts(loaded):
            where = f"{table.where}, {name}" if name else table.where
            self._episode(loaded, where, rows, place)

    def _load(self, table: Table) -> _Loaded | None:
        chosen = self._chosen
        columns = {name: table.load(name) for name in dict.fromkeys(chosen.all())}
        if not any(len(column.values) for column in columns.values()):
            self.empty += 1  # a heading alone, as of a run that was broken off: no type, no shape
            return None
        for name, column in columns.items():
            first = self.headings.setdefault(name, LogColumn(column.values[:0], unit=column.unit))
            if not first.names and column.names:
                self.headings[name] = LogColumn(first.values, unit=column.unit, names=column.names)
        learnt = [*chosen.actions, *(n for part in chosen.observations.values() for n in part)]
        numeric = [*learnt, *(v for k, v in chosen.single.items() if k != "episode")]
        sound = [self._is_numbers(table, name, columns[name].values) for name in numeric]
        if not all(sound):  # every column of text is named
            return None
        actions = [columns[name] for name in chosen.actions]
        self.integer_actions &= all(column.integer for column in actions)
        flags = all(column.values.dtype.kind == "b" for column in actions)
        self.typed &= table.typed or flags
        rows = {len(columns[n].values) for part in chosen.observations.values() for n in part}
        steps = {len(column.values) for column in actions}
        if len(rows) != 1 or len(steps) != 1 or rows.pop() - (n := steps.pop()) not in (0, 1):
            found = ", ".join(f"'{name}' {len(columns[name].values)}" for name in learnt)
            self._faults.add(
                "observations must have T or T + 1 rows where actions have T",
                "mend the rows of the file",
                "episodes",
                f"{table.where}: {found}",
            )
            return None
        joined = {key: _joined(columns, names) for key, names in chosen.observations.items()}
        n_rows = len(next(iter(joined.values())))
        acted = _padded(_joined(columns, chosen.actions), n_rows)
        missing = np.arange(n_rows) >= n
        if acted.dtype.kind == "f":
            missing = np.isnan(acted.reshape(n_rows, -1)).all(axis=1) | missing
        single, keep = {}, {}
        for role, name in chosen.single.items():
            single[role] = self._as_long(table, name, columns[name].values, n, n_rows)
        for name in chosen.keep:
            keep[name] = self._as_long(table, name, columns[name].values, n, n_rows)
        following = self._following(table, n_rows)
        return _Loaded(table, joined, acted, missing, single, following, keep)

    def _following(self, table: Table, rows: int) -> dict[str, Array]:
        """The observations after each row, where every column has one such as ``next_x``."""
        names = {
            key: [f"next_{name}" for name in part]
            for key, part in self._chosen.observations.items()
        }
        wanted = [name for part in names.values() for name in part]
        if not set(wanted) <= set(table.names):
            return {}
        columns = {name: table.load(name) for name in wanted}
        if any(is_text(column.values) or len(column.values) != rows for column in columns.values()):
            return {}
        return {key: _joined(columns, part) for key, part in names.items()}

    def _is_numbers(self, table: Table, name: str, values: Array) -> bool:
        if values.dtype.kind in "mM" and name != self._chosen.single.get("time"):
            row, text = 0, str(values.ravel()[0]) if values.size else str(values.dtype)
        elif not is_text(values):
            return True
        else:
            row, text = _first_text(values)
        self._faults.add(
            f"column '{name}' must hold numbers",
            "write numbers in its place, or choose other columns",
            "",
            f"{table.place(row)}: '{text[:_MOST_TEXT]}'",
        )
        return False

    def _as_long(self, table: Table, name: str, values: Array, steps: int, rows: int) -> Array:
        """A value a row, whether there is one for the last observation or not."""
        if len(values) in (steps, rows) and values.size == len(values):
            return _padded(values.reshape(len(values)), rows)
        self._faults.add(
            f"'{name}' must be one value per step",
            "mend the rows of the file, or choose another column",
            "episodes",
            f"{table.where}: shape {values.shape} for {steps} steps",
        )
        return np.zeros(rows)

    def _parts(self, loaded: _Loaded) -> Iterator[tuple[str, Rows]]:
        """The rows of each episode, in the order of the file, and what it is called."""
        keys = loaded.single.get("episode")
        if keys is not None:
            yield from self._by_key(loaded, keys)
            return
        everything = np.arange(len(loaded))
        flags = self._flags(loaded)
        if not self._several or not flags.any():
            yield "", everything
            return
        after = np.flatnonzero(flags) + 1
        # The observation after the last step stands in a row of its own, behind the flag
        follows = np.append(loaded.without_action, False)[after]
        ends = np.unique(np.where(follows, after + 1, after))
        parts = [part for part in np.split(everything, ends) if len(part)]
        for number, part in enumerate(parts):
            yield f"episode {number}" if len(parts) > 1 else "", part

    def _by_key(self, loaded: _Loaded, keys: Array) -> Iterator[tuple[str, Rows]]:
        texts = [None if _is_missing(key) else key for key in keys.tolist()]
        if None in texts:
            self._faults.add(
                "every row must name its episode",
                "fill the episode column in",
                "steps",
                loaded.table.place(texts.index(None)),
            )
            return
        parts: dict[Any, list[int]] = {}
        for row, key in enumerate(texts):
            parts.setdefault(key, []).append(row)
        for key, rows in parts.items():
            name = f"episode {int(key) if isinstance(key, float) and key == int(key) else key}"
            if (other := self._seen.setdefault(key, loaded.table.where)) != loaded.table.where:
                self._faults.add(
                    "an episode must lie in one file",
                    "give episodes different names in different files, or join the files; or say "
                    "that each file is an episode (episode='', --episode '')",
                    "episodes",
                    f"{name} in {other} and in {loaded.table.where}",
                )
            self.scattered += rows[-1] - rows[0] >= len(rows)
            yield name, np.asarray(rows, dtype=np.int64)

    def _flags(self, loaded: _Loaded) -> npt.NDArray[np.bool_]:
        flags = np.zeros(len(loaded), dtype=bool)
        for role in ("end", "truncated"):
            if role in loaded.single:
                flags |= np.nan_to_num(loaded.single[role].astype(np.float64)) > 0
        return flags

    def _episode(self, loaded: _Loaded, where: str, rows: Rows, place: int) -> None:
        missing = loaded.without_action[rows]
        steps = len(rows) - int(missing[-1])
        if steps == 0:
            self.empty += 1
            return
        taken = rows[:steps]
        if missing[:steps].any():
            self._faults.add(
                "every step but the last observation must have an action",
                "fill the actions in, or leave the episode out (skip_faulty, --skip-faulty)",
                "steps",
                loaded.table.place(int(taken[missing[:steps]][0])),
                count=int(missing[:steps].sum()),
                episode=where,
            )
            return
        outcomes = [
            loaded.single[role][taken] if role in loaded.single else None
            for role in ("reward", "cost")
        ]
        terminated, truncated = self._ending(loaded, where, rows, steps)
        episode = LoggedEpisode(
            where=where,
            observations={key: values[rows] for key, values in loaded.observations.items()},
            actions=loaded.actions[taken],
            rewards=outcomes[0],
            costs=outcomes[1],
            times=self._times(loaded, where, rows),
            terminated=terminated,
            truncated=truncated,
            attributes={
                **loaded.table.attributes,
                **_first_time(loaded, taken),
                **self._facts(loaded, where, taken),
            },
            repeated=steps == len(rows),
            table=place,
            place=partial(_place, loaded.table.row_names, rows),
        )
        if episode.repeated:
            last = {key: values[rows[-1:]] for key, values in loaded.following.items()}
            episode.observations = {
                key: np.concatenate([values, last.get(key, values[-1:])])
                for key, values in episode.observations.items()
            }
            episode.repeated = not last
            if episode.times is not None:
                episode.times = np.append(episode.times, episode.times[-1])
        self._check_finite(episode)
        self.episodes.append(episode)

    def _times(self, loaded: _Loaded, where: str, rows: Rows) -> Array | None:
        if "time" not in loaded.single:
            return None
        times = as_seconds(loaded.single["time"][rows])
        wrong = ~(np.diff(times) > 0)
        if len(wrong) and np.isnan(times[-1]) and not np.isnan(times[:-1]).any():
            return None  # the last observation has no time of its own
        if wrong.any():
            self._faults.add(
                "times must increase within an episode",
                "sort the rows by episode and time, or name the column of times (time, --time; "
                "an empty name means none)",
                "steps",
                loaded.table.place(int(rows[1:][wrong][0])),
                count=int(wrong.sum()),
                episode=where,
            )
        return times

    def _ending(self, loaded: _Loaded, where: str, rows: Rows, steps: int) -> tuple[bool, bool]:
        """Whether an episode terminated, and whether it was cut off."""
        ended, cut = (
            np.nan_to_num(loaded.single[role][rows].astype(np.float64)) > 0
            if role in loaded.single
            else np.zeros(len(rows), dtype=bool)
            for role in ("end", "truncated")
        )
        early = np.flatnonzero(ended[: steps - 1])
        if len(early):
            self._faults.add(
                "only the last step of an episode may be an end",
                "name another column of ends (end, --end; an empty name means none), or of "
                "episodes",
                "episodes",
                loaded.table.place(int(rows[early[0]])),
                episode=where,
            )
        terminated, truncated = bool(ended[steps - 1 :].any()), bool(cut[steps - 1 :].any())
        if truncated and self._chosen.single.get("end") in DONE:
            terminated = False  # as in Stable-Baselines3, an end of either kind is done
        return terminated, truncated or not terminated

    def _facts(self, loaded: _Loaded, where: str, taken: Rows) -> dict[str, Scalar]:
        facts: dict[str, Scalar] = {}
        for name, values in loaded.keep.items():
            found = list(dict.fromkeys(values[taken].tolist()))
            if len(found) > 1:
                self._faults.add(
                    f"'{name}' must be the same in all rows of an episode",
                    "keep other columns",
                    "episodes",
                    f"{where}: {found[0]!r} and {found[1]!r}",
                    episode=where,
                )
            if not _is_missing(found[0]):
                facts[name] = found[0]
        return facts

    def _check_finite(self, episode: LoggedEpisode) -> None:
        checked: dict[str, Array | None] = {
            f"observations '{key}'" if key else "observations": values
            for key, values in episode.observations.items()
        }
        checked |= {
            "actions": episode.actions,
            "rewards": episode.rewards,
            "costs": episode.costs,
        }
        for name, values in checked.items():
            if values is None or values.dtype.kind != "f":
                continue
            finite = np.isfinite(values.reshape(len(values), -1))
            wrong = np.flatnonzero(~finite.all(axis=1))
            # What is repeated counts once
            wrong = wrong[wrong < len(episode.actions) + (not episode.repeated)]
            if len(wrong):
                row = int(wrong[0])
                found = values.reshape(len(values), -1)[row][~finite[row]][0]
                column = name_of_column(
                    self._names_of(name), int(np.argmin(finite[row])), finite.shape[1]
                )
                self._faults.add(
                    f"{name} must be finite",
                    _FINITE,
                    "steps",
                    f"{episode.place(row)}{column}: {found}",
                    count=len(wrong),
                    episode=episode.where,
                )
        costs = np.zeros(0) if episode.costs is None else episode.costs
        negative = np.flatnonzero((costs < 0) & np.isfinite(costs))
        if len(negative):
            first = int(negative[0])
            self._faults.add(
                "costs must be at least 0",
                NEGATIVE_COST,
                "steps",
                f"{episode.place(first)}: {costs[first]:g}",
                count=len(negative),
                episode=episode.where,
            )

    def _names_of(self, name: str) -> Sequence[str]:
        if name == "actions":
            return self._chosen.actions
        if name.startswith("observations"):
            return self._chosen.observations[name.removeprefix("observations").strip(" '")]
        return ()


def name_of_column(names: Sequence[str], coordinate: int, width: int) -> str:
    """
    :param names: of the columns of an array, which have one number each, or several in one.
    :param coordinate: of the flat array.
    :param width: numbers in a row of the flat array.
    :return: the column as a place continues in messages; empty where there is one number alone.
    """
    if len(names) == width > 1:
        return f", column '{names[coordinate]}'"
    return f", '{names[0]}[{coordinate}]'" if len(names) == 1 < width else ""


def _first_time(loaded: _Loaded, taken: Rows) -> dict[str, Scalar]:
    """The time of the first step as the log has it; times are stored from there on."""
    if "time" not in loaded.single:
        return {}
    first = loaded.single["time"][taken[0]]
    return {"first_time": str(first) if first.dtype.kind in "mM" else first.item()}


def _place(names: RowNames, rows: Rows, row: int) -> str:
    return names.place(int(rows[min(row, len(rows) - 1)]))


def _joined(columns: Mapping[str, LogColumn], names: Sequence[str]) -> Array:
    """One array of several columns; of one column, its own shape."""
    arrays = [columns[name].values for name in names]
    if len(arrays) == 1:
        one = arrays[0]
        return _number_type(one[:, None] if one.ndim == 1 else one)
    flat = [_number_type(array).reshape(len(array), -1) for array in arrays]
    return np.concatenate(flat, axis=1)


def _number_type(values: Array) -> Array:
    """Pictures as they are; float16, which nothing computes in, as float32."""
    if values.dtype == np.uint8 and values.ndim > 2:
        return values
    if values.dtype.kind == "f":
        return values.astype(np.float32 if values.dtype.itemsize < 4 else values.dtype)
    return values


def _padded(values: Array, rows: int) -> Array:
    if len(values) == rows:
        return values
    if values.dtype.kind in "OUS":
        return np.append(values.astype(object), [None])
    fill = np.zeros((rows - len(values), *values.shape[1:]), values.dtype)
    if values.dtype.kind == "f":
        fill[:] = np.nan
    return np.concatenate([values, fill])


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _first_text(values: Array) -> tuple[int, str]:
    for row, value in enumerate(values.ravel().tolist()):
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        try:
            float(text)
        except ValueError:
            return row, text
    return 0, str(values.ravel()[0])
