"""Curves and tracks of segments as numbers: the page draws them itself."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
from minari import MinariDataset

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.columns import Column, choose, columns_of
from sb3_presa.annotation.clips.track import Track, guess_track, read_track
from sb3_presa.data.episodes import load_endings
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError

#: Curves that are shown at first where the owner does not say which, and actions among them.
_SHOWN, _SHOWN_ACTIONS = 8, 3
#: What lies beyond widens the axes of a pair, and not those of all pairs.
_CENTRAL = (0.001, 0.999)
_RANGE_ROWS = 20_000
_DIGITS = 4


class Curves:
    """The numbers of a dataset's steps, and which of them are shown at first.

    :param dataset: the open dataset.
    :param transitions: its steps.
    :param curves: names and patterns of columns that are shown at first, separated by commas; an
        empty text: people cannot see curves; None: some, where clips have no pictures.
    :param track: positions seen from above, as :func:`~sb3_presa.annotation.clips.track.read_track`
        takes them; an empty text: none; None: told by the names of columns.
    :raises ConfigError: if a name or a pattern means no column.
    """

    def __init__(
        self,
        dataset: MinariDataset,
        transitions: Transitions,
        curves: str | None = None,
        track: Sequence[str] | None = None,
    ) -> None:
        where = f"dataset '{dataset.id}'"
        self.columns: tuple[Column, ...] = () if curves == "" else columns_of(dataset)
        self._transitions, self._wanted = transitions, (curves, track)
        self._places = {id_: row for row, id_ in enumerate(transitions.episode_ids.tolist())}
        self._values = [self._of_all_steps(column) for column in self.columns]
        self.ranges = [_central_range(values) for values in self._values]
        self._last = self._last_observations(dataset)
        given = [text for text in track or () if text]
        if given and curves == "":
            raise ConfigError("`track` must be left out where `curves` is empty, got both")
        self.track: Track | None = read_track(columns_of(dataset), given, where) if given else None
        if track is None:
            self.track = guess_track(self.columns)
        chosen = choose(self.columns, curves, "curves", where) if curves else self._first_ones()
        self.shown: tuple[int, ...] = chosen

    def describe(self, pictures: bool, why: str) -> dict[str, Any]:
        """All that the page needs to know before it draws a clip, as JSON values.

        :param pictures: whether clips have any.
        :param why: why they have none, for the owner; or ``""``.
        """
        curves, track = self._wanted
        described: dict[str, Any] = {
            "columns": [
                {**asdict(column), "low": low, "high": high}
                for column, (low, high) in zip(self.columns, self.ranges, strict=True)
            ],
            "shown": [] if pictures and not curves else list(self.shown),
            "track": None if self.track is None else asdict(self.track),
            "track_shown": self.track is not None and (bool(track) or not pictures),
            "pictures": pictures,
            "why": why,
        }
        text = json.dumps(described, sort_keys=True)
        return {**described, "version": hashlib.sha256(text.encode()).hexdigest()[:12]}

    def of(self, segment: Segment, columns: Sequence[int]) -> dict[int, list[float]]:
        """The numbers of a segment.

        :param segment: the segment.
        :param columns: places of the columns that are wanted.
        :return: by column: of observations one more than steps, of actions one a step.
        """
        episode, start, length = segment
        row = self._places[episode]
        first = int(self._transitions.episode_starts[row]) + start
        ends = start + length >= int(self._transitions.episode_lengths[row])
        found: dict[int, list[float]] = {}
        for place in columns:
            column, values = self.columns[place], self._values[place]
            observed = column.part == "observation"
            shown = values[first : first + length + (1 if observed and not ends else 0)]
            if observed and ends:
                shown = np.append(shown, self._last[column.key][row, column.index])
            low, high = self.ranges[place]
            found[place] = np.round(shown.astype(np.float64), _decimals(low, high)).tolist()
        return found

    def _of_all_steps(self, column: Column) -> npt.NDArray[Any]:
        values: Any = self._transitions.actions
        if column.part == "observation":
            values = self._transitions.observations
            values = values[column.key] if isinstance(values, Mapping) else values
        flat: npt.NDArray[Any] = values.reshape(len(values), -1)[:, column.index]
        return flat

    def _last_observations(self, dataset: MinariDataset) -> dict[str, npt.NDArray[Any]]:
        keys = {column.key for column in self.columns if column.part == "observation"}
        if not keys:
            return {}
        found: Any = load_endings(dataset).observations
        return {
            key: np.asarray(values).reshape(len(values), -1)
            for key, values in (found if isinstance(found, dict) else {"": found}).items()
            if key in keys
        }

    def _first_ones(self) -> tuple[int, ...]:
        """Some observations and some actions; the position on a track, and what never changes,
        come last."""
        place = () if self.track is None else self.track.machine
        still = [low == high for low, high in self.ranges]
        order = sorted(range(len(self.columns)), key=lambda n: still[n] or n in place)
        acted = [n for n in order if self.columns[n].part == "action"]
        observed = [n for n in order if self.columns[n].part == "observation"]
        actions = max(_SHOWN_ACTIONS, _SHOWN - len(observed))
        acted = acted[:actions]
        return tuple(sorted([*observed[: _SHOWN - len(acted)], *acted]))


def _central_range(values: npt.NDArray[Any]) -> tuple[float, float]:
    """The range that nearly all values of a column have."""
    some = values[:: max(1, len(values) // _RANGE_ROWS)].astype(np.float64)
    low, high = np.quantile(some, _CENTRAL)
    return float(low), float(high)


def _decimals(low: float, high: float) -> int:
    """Decimal places that tell apart what can be seen."""
    span = high - low or abs(high) or 1.0
    return _DIGITS - math.floor(math.log10(span))
