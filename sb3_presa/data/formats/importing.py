"""From files and tables of any format to a log, and to a Minari dataset."""

import glob
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias, get_args

from minari import MinariDataset

from sb3_presa.data.formats.format import Format, Options, Reading, Resampling
from sb3_presa.data.formats.log import Log, assemble
from sb3_presa.data.formats.roles import Patterns, Roles, patterns
from sb3_presa.data.formats.spaces import ALL_ACTIONS, Kind, Ranges
from sb3_presa.data.formats.table import natural_key
from sb3_presa.data.minari_store import check_free
from sb3_presa.errors import ConfigError, DatasetError

#: A file, a folder of files, a pattern, tables of pandas or pyarrow, arrays by name, or several.
LogSource: TypeAlias = Any
#: ``(low, high)`` of every action, or of columns by name or pattern.
Bounds: TypeAlias = tuple[float, float] | Mapping[str, tuple[float, float]]

#: Where the formats are, in the order in which they are asked; the last one takes any text.
_HOMES: Mapping[str, tuple[str, str]] = {
    "lerobot": ("lerobot", "LeRobotFolder"),
    "parquet": ("arrow_files", "ArrowFiles"),
    "feather": ("arrow_files", "ArrowFiles"),
    "rosbag": ("bags", "RosBag"),
    "mcap": ("mcap_files", "McapFile"),
    "robomimic": ("hdf5_files", "Robomimic"),
    "hdf5": ("hdf5_files", "Hdf5Arrays"),
    "pairs": ("pairs", "PairsFile"),
    "npz": ("array_files", "ArrayFiles"),
    "csv": ("arrow_files", "ArrowFiles"),
}
FORMATS = tuple(_HOMES)
#: Options that some formats read, beside the columns.
_OPTIONS_OF: Mapping[str, tuple[str, ...]] = {
    "lerobot": ("cameras",),
    "rosbag": ("rate", "resampling"),
    "mcap": ("rate", "resampling"),
    "robomimic": ("split",),
}
#: No file is one of these: where a folder is called one, it says itself what it lacks.
_FOLDERS_ONLY = ("lerobot",)


def read_logs(
    source: LogSource,
    *,
    format: str | None = None,
    observations: Patterns | Mapping[str, Patterns] | None = None,
    actions: Patterns | None = None,
    reward: str | None = None,
    cost: str | None = None,
    episode: str | None = None,
    end: str | None = None,
    truncated: str | None = None,
    time: str | None = None,
    keep: Patterns | None = None,
    bounds: Bounds | None = None,
    kind: Kind | None = None,
    clip: bool = False,
    units: Mapping[str, str] | None = None,
    skip_faulty: bool = False,
    rate: float | None = None,
    resampling: Resampling = "previous",
    split: str | None = None,
    cameras: Patterns | None = None,
) -> Log:
    """Read logged behaviour, and say what is in it and what is wrong with it. Nothing is written.

    A table has a row a step: an observation and the action that was taken on it. Where the last
    row of an episode has no action, it is the observation after the last step (T + 1 observations).
    Where it has one, the last observation is repeated (T observations).

    Columns are named, or taken by a pattern such as ``"joint_*"``. A name that is None is looked
    for under its usual names, such as ``reward``, ``episode`` or ``timestamp``. An empty name
    means that the log has no such column.

    :param source: a file; a folder or a pattern of files (``"runs/*.csv"``, at any depth
        ``"runs/**/*.csv"``), each an episode unless a column tells episodes apart; a table of
        pandas or pyarrow; arrays by name; or a list.
    :param format: one of :data:`FORMATS`; None: told by the content.
    :param observations: columns, in the order of the array; by key for a Dict space.
    :param actions: columns.
    :param reward: a column.
    :param cost: a column.
    :param episode: the column that tells episodes apart.
    :param end: the column of flags where the task ended.
    :param truncated: the column of flags where an episode was cut off.
    :param time: the column of times, which must increase within an episode.
    :param keep: columns that are facts about a whole episode, such as its task or success.
    :param bounds: (low, high) of all actions, or of columns by name or pattern. None: those that
        the actions have; observations are unbounded.
    :param kind: ``"continuous"`` or ``"discrete"`` actions; None: discrete if the file declares
        integers. Text files do not declare: whole numbers must be said what they are.
    :param clip: clip what lies outside the bounds, which is a fault otherwise.
    :param units: of columns, by name or pattern; headings such as ``speed [m/s]`` have theirs.
    :param skip_faulty: leave out episodes with faults.
    :param rate: steps a second, of logs whose topics have clocks of their own.
    :param resampling: what counts between two messages: ``"previous"`` or ``"linear"``.
    :param split: the filter key of a robomimic file.
    :param cameras: names or patterns of a LeRobot dataset's cameras, whose videos are kept for the
        labelling page. None: all; an empty text: none. They need PyAV.
        Formats without a use for ``rate``, ``resampling``, ``split`` or ``cameras`` refuse them.
    :return: the log. Its ``faults`` keep it from being saved.
    :raises DatasetError: if a file is missing, damaged, or of no known format.
    :raises ConfigError: if an option does not fit the columns, or a library is missing.
    """
    if resampling not in get_args(Resampling):
        raise ConfigError(f"`resampling` must be previous or linear, got {resampling!r}")
    if kind not in (None, *get_args(Kind)):
        raise ConfigError(f"`kind` must be continuous or discrete, got {kind!r}")
    if rate is not None and not 0 < rate < float("inf"):
        raise ConfigError(f"`rate` must be greater than 0 and finite, got {rate}")
    options = Options(
        Roles(
            observations=_by_key(observations),
            actions=patterns(actions),
            reward=reward,
            cost=cost,
            episode=episode,
            end=end,
            truncated=truncated,
            time=time,
            keep=patterns(keep),
        ),
        rate,
        resampling,
        split,
        patterns(cameras),
    )
    name, found, reading = _read(source, format, options)
    return assemble(
        name,
        found,
        reading,
        options,
        bounds=_ranges(bounds),
        kind=kind,
        clip=clip,
        units=_units(units),
        skip_faulty=skip_faulty,
    )


def import_logs(
    source: LogSource,
    dataset_id: str,
    *,
    overwrite: bool = False,
    root: str | os.PathLike[str] | None = None,
    feedback: str = "default",
    finish: Callable[[MinariDataset], object] | None = None,
    **options: Any,
) -> MinariDataset:
    """Make a Minari dataset of logged behaviour in one call.

    :param source: as for :func:`read_logs`.
    :param dataset_id: ``(namespace/)name-vN``.
    :param overwrite: replace a dataset of this id. The feedback beside it stays.
    :param root: the datasets root; None is Minari's.
    :param feedback: the name of the answers that came with the log, if any did.
    :param finish: called with the dataset before it appears in its place.
    :param options: as for :func:`read_logs`.
    :return: the dataset. It appears complete or not at all. Its metadata keep the names and units
        of columns, and what was decided (``import_notes``).
    :raises DatasetError: with all faults of the log, or if the id is malformed or taken.
    :raises ConfigError: if an option does not fit the columns, or a library is missing.
    """
    check_free(dataset_id, root, overwrite)
    log = read_logs(source, **options)
    return log.save(dataset_id, overwrite=overwrite, root=root, feedback=feedback, finish=finish)


def _by_key(
    given: Patterns | Mapping[str, Patterns] | None,
) -> Mapping[str, tuple[str, ...]] | None:
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {key: patterns(parts) or () for key, parts in given.items()}
    return {"": patterns(given) or ()}


def _units(units: Mapping[str, str] | None) -> Mapping[str, str]:
    if units is not None and not isinstance(units, Mapping):
        raise ConfigError(f"`units` must be a dict such as {{'speed': 'm/s'}}, got {units!r}")
    return units or {}


def _ranges(bounds: Bounds | None) -> Ranges:
    if bounds is None:
        return {}
    by_name = bounds if isinstance(bounds, Mapping) else {ALL_ACTIONS: bounds}
    try:
        if isinstance(bounds, str):
            raise ValueError("text is for the command line")
        ranges = {name: (float(low), float(high)) for name, (low, high) in by_name.items()}
        if not all(math.isfinite(bound) for pair in ranges.values() for bound in pair):
            raise ValueError("actions are scaled by their bounds")
    except (TypeError, ValueError) as error:
        raise ConfigError(
            "`bounds` must be two finite numbers such as (-1, 1), or such a pair for each column, "
            f"as in {{'steer': (-0.5, 0.5)}}, got {bounds!r}"
        ) from error
    return ranges


def _read(source: LogSource, named: str | None, options: Options) -> tuple[str, str, Reading]:
    """The name of a source, the word for its format, and what was found."""
    if named is not None and named not in FORMATS:
        raise ConfigError(f"`format` must be one of {', '.join(FORMATS)}, got {named!r}")
    if isinstance(source, str | os.PathLike):
        paths = _paths(source)
        name = Path(source).name or str(source)
    elif _is_list_of_paths(source):
        paths = [path for part in source for path in _paths(part)]
        name = f"{paths[0].name} and {len(paths) - 1} more" if len(paths) > 1 else paths[0].name
    else:
        _check_read("tables", options)
        return "tables in memory", "tables", _in_memory(source)
    paths = [file for path in paths for file in _files_of(path, named)]
    formats = [_require_format(path, named) for path in paths]
    words = {each.name for each in formats}
    if len(words) > 1:
        raise DatasetError(
            f"the files must be of one format, got {', '.join(sorted(words))} in {source}; name "
            "files of one format, such as 'runs/*.csv'"
        )
    word = words.pop()
    _check_read(word, options)
    readings = [
        each.read(path, where, options)
        for each, path, where in zip(formats, paths, _names(paths), strict=True)
    ]
    return name, word, _merged(readings)


def _names(paths: Sequence[Path]) -> list[str]:
    """The last parts of paths, as few as tell the files apart: episodes are known by them."""
    whole = [path.absolute().parts for path in paths]
    names = [path.name for path in paths]
    depth = 1
    while len(set(names)) < len(set(whole)):
        depth += 1
        names = [str(Path(*parts[-depth:])) for parts in whole]
    return names


def _check_read(word: str, options: Options) -> None:
    """Refuse options that the format does not read."""
    usual = Options()
    for option in dict.fromkeys(chain.from_iterable(_OPTIONS_OF.values())):
        value = getattr(options, option)
        takers = [name for name, taken in _OPTIONS_OF.items() if option in taken]
        if value != getattr(usual, option) and word not in takers:
            raise ConfigError(
                f"`{option}` must be left out for {word}, got {value!r}; it is an option of "
                f"{' and '.join(takers)} alone"
            )


def _merged(readings: Sequence[Reading]) -> Reading:
    first = readings[0]
    if len(readings) == 1:
        return first
    notes = dict.fromkeys(note for reading in readings for note in reading.notes)
    tables = [table for reading in readings for table in reading.tables]
    if any(reading.comparisons is not None or reading.cameras for reading in readings):
        raise ConfigError(
            f"pairs of clips and LeRobot datasets must be imported one at a time, got "
            f"{len(readings)}"
        )
    return replace(first, tables=tables, notes=list(notes))


def _paths(source: str | os.PathLike[str]) -> list[Path]:
    path = Path(source).expanduser()
    if path.exists():
        return [path]
    found = [Path(name) for name in glob.glob(str(path), recursive=True)]
    inside = {parent for each in found for parent in each.parents}
    # Two stars take folders and the files in them, too
    found = sorted(set(found) - inside, key=lambda each: natural_key(str(each)))
    if not found:
        raise DatasetError(f"{source} must be a file, a folder or a pattern of files, got none")
    return found


def _files_of(path: Path, named: str | None) -> list[Path]:
    """The path itself; of a folder that is of no format, the files in it."""
    names = FORMATS if named is None else (named,)
    if (
        path.is_dir()
        and named not in _FOLDERS_ONLY
        and not any(make_format(name).recognises(path) for name in names)
    ):
        return _files_in(path)
    return [path]


def _files_in(folder: Path) -> list[Path]:
    files = [path for path in folder.iterdir() if not path.name.startswith((".", "_"))]
    files = sorted((p for p in files if p.is_file()), key=lambda path: natural_key(path.name))
    if not files:
        raise DatasetError(f"the folder {folder} must hold files, got none")
    return files


def _is_list_of_paths(source: LogSource) -> bool:
    return (
        isinstance(source, list | tuple)
        and bool(source)
        and all(isinstance(part, str | os.PathLike) for part in source)
    )


def make_format(name: str) -> Format:
    """A format by its word.

    :param name: one of :data:`FORMATS`.
    """
    module, home = _HOMES[name]
    made = getattr(import_module(f"sb3_presa.data.formats.{module}"), home)
    # One class reads several formats where one library does
    found: Format = made(name) if home in ("ArrowFiles",) else made()
    return found


def _format_of(path: Path, named: str | None) -> Format | None:
    if named is not None:
        return make_format(named)
    candidates = (make_format(name) for name in FORMATS)
    return next((each for each in candidates if each.recognises(path)), None)


def _require_format(path: Path, named: str | None) -> Format:
    try:
        found = _format_of(path, named)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    if found is None:
        raise DatasetError(
            f"{path} must be of one of the formats {', '.join(FORMATS)}, by its content, but "
            "it is of none; name the format if it is (format, --format)"
        )
    return found


def _in_memory(source: LogSource) -> Reading:
    parts = list(source) if isinstance(source, list | tuple) else [source]
    if not parts:
        raise DatasetError("the log must have at least one table, got an empty list")
    tables: list[Any] = []
    for index, part in enumerate(parts):
        where = f"table {index}" if len(parts) > 1 else "the table"
        tables += _tables_of(part, where)
    return Reading(tables)


def _tables_of(part: Any, where: str) -> list[Any]:
    import numpy as np

    from sb3_presa.data.formats.array_files import array_tables

    if isinstance(part, Mapping):
        return array_tables({str(name): np.asarray(v) for name, v in part.items()}, where)
    from sb3_presa.data.formats.arrow_files import arrow_table
    from sb3_presa.data.formats.library import require

    pa = require("pyarrow", "tables")
    try:
        if hasattr(part, "reset_index"):  # pandas: an index with a name is a column
            named = [name for name in part.index.names if name is not None]
            part = part.reset_index(named) if named else part
            return [arrow_table(pa.Table.from_pandas(part, preserve_index=False), where)]
        return [arrow_table(pa.table(part), where)]
    except (pa.ArrowException, TypeError, ValueError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(
            f"{where} must be a table of pandas or pyarrow, arrays by name, or a path, got "
            f"{type(part).__name__}: {error}"
        ) from error
