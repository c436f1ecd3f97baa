"""From tables to episodes: where they begin and end, and what is wrong with them."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.data.fault_list import FaultList
from sb3_presa.data.formats.loaded import Loaded, load_chosen
from sb3_presa.data.formats.logged_episode import LoggedEpisode, check_numbers
from sb3_presa.data.formats.roles import DONE, Chosen
from sb3_presa.data.formats.table import Array, LogColumn, RowNames, Scalar, Table, as_seconds

Rows = npt.NDArray[np.int64]


class Assembly:
    """Collects the episodes of tables that have the same columns.

    :param chosen: the columns by what they are.
    :param several: whether a table holds several episodes.
    :param faults: gets what is wrong.
    """

    def __init__(self, chosen: Chosen, several: bool, faults: FaultList) -> None:
        self._chosen, self._several, self._faults = chosen, several, faults
        self.episodes: list[LoggedEpisode] = []
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
        chosen = self._chosen
        columns = {name: table.load(name) for name in dict.fromkeys(chosen.all())}
        if not any(len(column.values) for column in columns.values()):
            self.empty += 1  # a heading alone, as of a run that was broken off: no type, no shape
            return
        for name, column in columns.items():
            first = self.headings.setdefault(name, LogColumn(column.values[:0], unit=column.unit))
            if not first.names and column.names:
                self.headings[name] = LogColumn(first.values, unit=column.unit, names=column.names)
        flags = {"end", "truncated"} if self._several else set()
        alone = not ({"episode"} | flags) & set(chosen.single)
        loaded = load_chosen(table, columns, chosen, self._faults, alone=alone)
        if loaded is None:
            return
        for name, rows in self._parts(loaded):
            where = f"{table.where}, {name}" if name else table.where
            self._episode(loaded, where, rows, place)

    def _parts(self, loaded: Loaded) -> Iterator[tuple[str, Rows]]:
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

    def _by_key(self, loaded: Loaded, keys: Array) -> Iterator[tuple[str, Rows]]:
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

    def _flags(self, loaded: Loaded) -> npt.NDArray[np.bool_]:
        flags = np.zeros(len(loaded), dtype=bool)
        for role in ("end", "truncated"):
            if role in loaded.single:
                flags |= np.nan_to_num(loaded.single[role].astype(np.float64)) > 0
        return flags

    def _episode(self, loaded: Loaded, where: str, rows: Rows, place: int) -> None:
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
            integer_actions=loaded.integer_actions,
            typed_actions=loaded.typed_actions,
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
        check_numbers(episode, self._chosen, self._faults)
        self.episodes.append(episode)

    def _times(self, loaded: Loaded, where: str, rows: Rows) -> Array | None:
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

    def _ending(self, loaded: Loaded, where: str, rows: Rows, steps: int) -> tuple[bool, bool]:
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

    def _facts(self, loaded: Loaded, where: str, taken: Rows) -> dict[str, Scalar]:
        facts: dict[str, Scalar] = {}
        for name, values in loaded.keep.items():
            texts = [None if _is_missing(value) else value for value in values[taken].tolist()]
            found = list(dict.fromkeys(texts))
            if len(found) > 1:
                self._faults.add(
                    f"'{name}' must be the same in all rows of an episode",
                    "keep other columns",
                    "episodes",
                    f"{where}: {found[0]!r} and {found[1]!r}",
                    episode=where,
                )
            if found[0] is not None:
                facts[name] = found[0]
        return facts


def _first_time(loaded: Loaded, taken: Rows) -> dict[str, Scalar]:
    """The time of the first step as the log has it; times are stored from there on."""
    if "time" not in loaded.single:
        return {}
    first = loaded.single["time"][taken[0]]
    return {"first_time": str(first) if first.dtype.kind in "mM" else first.item()}


def _place(names: RowNames, rows: Rows, row: int) -> str:
    return names.place(int(rows[min(row, len(rows) - 1)]))


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))
