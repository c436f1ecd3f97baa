"""A log that was read: what is in it, what is wrong with it, and the dataset that it becomes."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer

from sb3_presa.data.fault_list import FaultList
from sb3_presa.data.formats.cameras import Camera, write_cameras
from sb3_presa.data.formats.episodes import Assembly
from sb3_presa.data.formats.format import Comparisons, Options, Reading
from sb3_presa.data.formats.logged_episode import LoggedEpisode
from sb3_presa.data.formats.roles import Chosen, choose
from sb3_presa.data.formats.spaces import Kind, LogSpaces, Ranges, check_named, fits
from sb3_presa.data.formats.table import Array
from sb3_presa.data.minari_store import check_free, write_dataset
from sb3_presa.data.names import COLUMNS
from sb3_presa.errors import DatasetError

_MOST_COLUMNS = 24
#: In median steps of an episode: a step that is longer is a gap in the log.
_LONG_STEP = 10
#: Seconds: what acts so rarely is no robot; the numbers are of a smaller unit.
_HARDLY_SECONDS = 1_000.0


@dataclass(frozen=True)
class ColumnFact:
    """A column that is read.

    :param role: what it is: ``"observation"``, ``"action"``, ``"reward"`` and so on.
    :param name: of the column, or of a coordinate of it.
    :param unit: empty where unknown.
    :param low: the smallest value, None for a column without numbers.
    :param high: the largest number in it.
    """

    role: str
    name: str
    unit: str
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        unit = f" [{self.unit}]" if self.unit else ""
        if self.low is None or self.high is None:
            return f"{self.name}{unit}"
        low, high = f"{self.low:.5g}", f"{self.high:.5g}"
        if low == high:  # of map coordinates and the like, the last digits are what varies
            low, high = f"{self.low:.12g}", f"{self.high:.12g}"
        return f"{self.name}{unit} in [{low}, {high}]"


@dataclass(eq=False)
class Log:
    """The findings of :func:`~sb3_presa.data.formats.importing.read_logs`.

    :param source: the file or folder.
    :param format: the word for its format.
    :param episodes: those that can be written.
    :param spaces: of observations and actions; None where faults leave them open.
    :param columns: what is read.
    :param notes: what is worth knowing, a sentence each.
    :param faults: what keeps the log from being written.
    :param metadata: for the dataset.
    :param cameras: pictures beside the numbers, by name.
    :param comparisons: answers of people that came with it.
    """

    source: str
    format: str
    episodes: list[LoggedEpisode]
    spaces: LogSpaces | None
    columns: list[ColumnFact]
    notes: list[str]
    faults: FaultList
    metadata: dict[str, Any]
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    comparisons: Comparisons | None = None

    @property
    def steps(self) -> int:
        """The number of steps of all episodes."""
        return sum(len(episode.actions) for episode in self.episodes)

    def describe(self) -> list[str]:
        """The findings, a line each."""
        lengths = [len(episode.actions) for episode in self.episodes]
        lines = [f"{self.source} ({self.format})"]
        if lengths:
            lines.append(
                f"episodes: {len(lengths):,} of {min(lengths):,} to {max(lengths):,} steps, "
                f"{self.steps:,} in all"
            )
        for role in dict.fromkeys(fact.role for fact in self.columns):
            facts = [str(fact) for fact in self.columns if fact.role == role]
            more = f" and {len(facts) - _MOST_COLUMNS} more" if len(facts) > _MOST_COLUMNS else ""
            lines.append(f"{role}: {', '.join(facts[:_MOST_COLUMNS])}{more}")
        if self.spaces is not None:
            lines.append(f"observation space: {self.spaces.observation}")
            lines.append(f"action space: {self.spaces.action}")
        for name, camera in self.cameras.items():
            lines.append(f"camera: {name}, {camera.fps:g} pictures a second")
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"fault: {fault}" for fault in self.faults]
        return lines

    def require_sound(self) -> LogSpaces:
        """Refuse a log with faults.

        :return: its spaces.
        :raises DatasetError: with every kind of fault, its count, first places and remedy.
        """
        if faults := list(self.faults):
            listed = "\n".join(f"  {fault}" for fault in faults)
            raise DatasetError(f"{self.source} cannot be imported:\n{listed}")
        if not self.episodes or self.spaces is None:
            raise DatasetError(f"{self.source} must have at least one step, got none")
        return self.spaces

    def save(
        self,
        dataset_id: str,
        *,
        overwrite: bool = False,
        root: str | os.PathLike[str] | None = None,
        feedback: str = "default",
        finish: Callable[[MinariDataset], object] | None = None,
    ) -> MinariDataset:
        """Write a Minari dataset, which appears complete or not at all.

        :param dataset_id: ``(namespace/)name-vN``.
        :param overwrite: replace a dataset of this id. The feedback beside it stays.
        :param root: the datasets root; None is Minari's.
        :param feedback: the name of the answers that came with the log, if any did.
        :param finish: called with the dataset before it appears in its place, to write labels
            beside it.
        :return: the dataset.
        :raises DatasetError: if the log has faults, or the id is malformed or taken.
        """
        check_free(dataset_id, root, overwrite)
        spaces = self.require_sound()

        def beside(dataset: MinariDataset) -> None:
            if self.cameras:
                shown = [
                    (episode.table, _times(episode)[: len(episode.actions)])
                    for episode in self.episodes
                ]
                write_cameras(Path(dataset.storage.data_path), self.cameras, shown)
            if self.comparisons is not None:
                # Of a room above this one: found by its name when there is something to write
                above = import_module("sb3_presa.feedback.pairs")
                tables = [episode.table for episode in self.episodes]
                above.save_comparisons(dataset, self.comparisons, tables, feedback)
            if finish is not None:
                finish(dataset)

        return write_dataset(
            dataset_id,
            [_buffer(episode, spaces) for episode in self.episodes],
            observation_space=spaces.observation,
            action_space=spaces.action,
            description=f"Imported from {self.source} ({self.format}).",
            metadata=self.metadata,
            episode_metadata=[episode.attributes for episode in self.episodes],
            overwrite=overwrite,
            keeps_labels=True,
            root=root,
            finish=beside,
        )


def _times(episode: LoggedEpisode) -> Array:
    if episode.times is None:
        raise DatasetError(f"{episode.where} must have times to belong to a video, got none")
    return episode.times


def _buffer(episode: LoggedEpisode, spaces: LogSpaces) -> EpisodeBuffer:
    steps = len(episode.actions)
    last = np.arange(steps) == steps - 1
    infos: dict[str, Any] = {}
    if episode.costs is not None:
        infos["cost"] = np.append([0.0], episode.costs)
    if episode.times is not None:
        infos["timestamp"] = episode.times.reshape(-1, 1)
    recorded: dict[str, Any] = {  # Minari declares lists, and takes arrays
        "observations": spaces.observations(episode.observations),
        "actions": spaces.actions(episode.actions),
        "rewards": np.zeros(steps) if episode.rewards is None else episode.rewards,
        "terminations": last & episode.terminated,
        "truncations": last & episode.truncated,
        "infos": infos or None,
    }
    return EpisodeBuffer(**recorded)


def assemble(
    source: str,
    format_name: str,
    reading: Reading,
    options: Options,
    *,
    bounds: Ranges,
    kind: Kind | None,
    clip: bool,
    units: Mapping[str, str],
    skip_faulty: bool,
) -> Log:
    """Make a log of what a format's reader found.

    :param source: what the user named.
    :param format_name: the word for the format.
    :param reading: what the reader found.
    :param options: what the user says of columns.
    :param bounds: of columns, by name or pattern.
    :param kind: of the actions; None: as the file declares its numbers.
    :param clip: whether to clip what is outside the bounds.
    :param units: of columns, by name or pattern.
    :param skip_faulty: whether to leave out episodes with faults.
    :return: the log, whatever is wrong with it.
    :raises ConfigError: if an option does not fit the columns.
    """
    roles, faults = options.roles.over(reading.roles), FaultList()
    first = reading.tables[0]
    chosen = choose(roles, first.names, first.where)
    names = list(dict.fromkeys(chosen.all()))
    for pattern in units:
        check_named("units", pattern, names)
    assembly = Assembly(chosen, reading.several, faults)
    for place, table in enumerate(reading.tables):
        lacking = set(chosen.all()) - set(table.names)
        if lacking:
            faults.add(
                "every file must have the same columns",
                "choose columns that all files have, or leave the file out",
                "",
                f"{table.where} lacks {', '.join(sorted(lacking))}; {first.where} has them",
            )
        else:
            assembly.add(table, place)
    episodes, notes = assembly.episodes, list(reading.notes)

    def spaces_of(kept: Sequence[LoggedEpisode], found: FaultList) -> LogSpaces | None:
        return LogSpaces.of(kept, chosen, bounds, kind, clip, found) if kept else None

    def sound() -> list[LoggedEpisode]:
        return [e for e in episodes if e.where not in faults.episodes]

    # What is left out has no say in the kind of the actions
    spaces = spaces_of(sound() if skip_faulty else episodes, faults)
    if skip_faulty and faults.episodes and not faults.general:
        episodes = sound()
        left_out = len(faults.episodes)
        notes.append(f"{left_out:,} episodes have faults and are left out:")
        notes += [f"  {fault}" for fault in faults]
        faults = FaultList()
        spaces = spaces_of(episodes, faults)
    if spaces is not None:
        notes += spaces.notes
    _note(assembly, episodes, chosen, notes)
    headings = _headings(assembly, chosen, units, episodes)
    return Log(
        source=source,
        format=format_name,
        episodes=episodes,
        spaces=spaces,
        columns=_facts(assembly, chosen, headings, episodes),
        notes=notes,
        faults=faults,
        metadata={
            "imported_from": source,
            "import_format": format_name,
            "import_notes": "\n".join(notes),
            COLUMNS: headings,
            **_splits(episodes),
            **reading.metadata,
        },
        cameras=reading.cameras,
        comparisons=reading.comparisons,
    )


def _splits(episodes: Sequence[LoggedEpisode]) -> dict[str, Any]:
    """Ids of episodes by the parts of a log that they belong to."""
    parts: dict[str, list[int]] = {}
    for index, episode in enumerate(episodes):
        for part in str(episode.attributes.get("splits", "")).split(","):
            if part:
                parts.setdefault(part, []).append(index)
    return {"splits": parts} if parts else {}


def _note(
    assembly: Assembly, episodes: Sequence[LoggedEpisode], chosen: Chosen, notes: list[str]
) -> None:
    repeated = sum(episode.repeated for episode in episodes)
    if repeated:
        notes.append(
            f"{repeated:,} episodes have T observations for T steps: the last one is repeated "
            "after the last step"
        )
    if len(episodes) > repeated:
        notes.append(f"{len(episodes) - repeated:,} episodes have T + 1 observations for T steps")
    if assembly.scattered and "time" not in chosen.single:
        notes.append(
            f"{assembly.scattered:,} episodes have rows of others between theirs: the rows of an "
            "episode are joined in the order of the file"
        )
    notes += _gaps(episodes)
    notes += _long_steps(episodes)
    if assembly.empty:
        notes.append(f"{assembly.empty:,} episodes have no step and are left out")
    if "end" not in chosen.single:
        notes.append("the log has no column of ends: every episode counts as cut off (truncated)")
    if "cost" not in chosen.single:
        notes.append("the log has no costs")


def _gaps(episodes: Sequence[LoggedEpisode]) -> list[str]:
    """A note on steps that last far longer than others, as where a recorder paused."""
    found: list[tuple[float, str]] = []
    for episode in episodes:
        if episode.times is None:
            continue
        lasts = np.diff(episode.times[: len(episode.actions)])
        usual = np.median(lasts) if len(lasts) else 0.0
        long = (lasts > _LONG_STEP * usual) & (usual > 0)
        found += [(float(lasts[row]), episode.place(int(row) + 1)) for row in np.flatnonzero(long)]
    if not found:
        return []
    longest, place = max(found)
    return [
        f"steps that last more than {_LONG_STEP} times the median of their episode: "
        f"{len(found):,}. The longest, of {longest:.4g} s, ends at {place}. Steps before and after "
        "count as consecutive. If they are not, give the parts names of their own in the column "
        "of episodes"
    ]


def _long_steps(episodes: Sequence[LoggedEpisode]) -> list[str]:
    """A note on times that are hardly seconds."""
    lasts = [np.diff(e.times[: len(e.actions)]) for e in episodes if e.times is not None]
    usual = float(np.median(np.concatenate(lasts))) if any(map(len, lasts)) else 0.0
    if not usual > _HARDLY_SECONDS:
        return []
    return [
        f"times are taken as seconds, so the median step lasts {usual:.4g} s. Where they are "
        "milli-, micro- or nanoseconds, divide them, or store them as times of Parquet"
    ]


Headings = dict[str, dict[str, list[list[str]]]]


def _headings(
    assembly: Assembly,
    chosen: Chosen,
    units: Mapping[str, str],
    episodes: Sequence[LoggedEpisode],
) -> Headings:
    """The name and unit of every coordinate, by what it is and the key of a Dict space."""

    def headings(names: Sequence[str], width: int) -> list[list[str]]:
        found = []
        for name in names:
            column = assembly.headings[name]
            unit = next((u for p, u in units.items() if fits(name, p)), "")
            each = [name]
            if (len(names) == 1 and width > 1) or column.values.ndim > 1:
                length = int(np.prod(column.values.shape[1:])) or width
                each = list(column.names) or [f"{name}[{i}]" for i in range(length)]
            found += [[coordinate, unit or column.unit] for coordinate in each]
        return found if len(found) == width else []

    if not episodes:
        return {}
    widths = {
        key: int(np.prod(values.shape[1:])) if values.ndim < 3 else 0
        for key, values in episodes[0].observations.items()
    }
    acted = int(np.prod(episodes[0].actions.shape[1:]))
    made: Headings = {
        "observations": {k: headings(n, widths[k]) for k, n in chosen.observations.items()},
        "actions": {"": headings(chosen.actions, acted)},
    }
    for role in ("reward", "cost"):
        if role in chosen.single:
            made[role] = {"": headings([chosen.single[role]], 1)}
    return made


def _facts(
    assembly: Assembly, chosen: Chosen, headings: Headings, episodes: Sequence[LoggedEpisode]
) -> list[ColumnFact]:
    if not episodes:
        return []
    facts = []
    for key in chosen.observations:
        role = f"observation '{key}'" if key else "observation"
        arrays = [episode.observations[key] for episode in episodes]
        facts += _ranges(role, headings["observations"][key], arrays, chosen.observations[key])
    acted = [episode.actions for episode in episodes]
    facts += _ranges("action", headings["actions"][""], acted, chosen.actions)
    for role, name in chosen.single.items():
        unit = assembly.headings[name].unit
        arrays = [
            values
            for episode in episodes
            if (values := {"reward": episode.rewards, "cost": episode.costs}.get(role)) is not None
        ]
        pair = headings.get(role, {}).get("", [[name, unit]])
        facts += _ranges(role, pair, arrays, [name]) if arrays else [ColumnFact(role, name, unit)]
    kept = dict.fromkeys(name for episode in episodes for name in episode.attributes)
    facts += [ColumnFact("kept of each episode", name, "") for name in kept]
    return facts


def _ranges(
    role: str, pairs: list[list[str]], arrays: Sequence[Any], names: Sequence[str]
) -> list[ColumnFact]:
    if len({array.shape[1:] for array in arrays}) > 1:  # a fault, which has the shapes
        return [ColumnFact(role, ", ".join(names), "")]
    if not pairs:  # pictures
        return [ColumnFact(role, f"{', '.join(names)} of shape {arrays[0].shape[1:]}", "")]
    flat = [array.reshape(len(array), -1).astype(np.float64) for array in arrays]
    low = np.min([rows.min(axis=0) for rows in flat], axis=0)
    high = np.max([rows.max(axis=0) for rows in flat], axis=0)
    return [
        ColumnFact(role, name, unit, float(low[i]), float(high[i]))
        for i, (name, unit) in enumerate(pairs)
    ]
