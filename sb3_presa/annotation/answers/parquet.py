"""A labelled dataset for pandas, DuckDB, Polars and LeRobot: Parquet, written by pyarrow."""

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from minari import MinariDataset

from sb3_presa.annotation.answers.exchange import (
    ANSWER_COLUMNS,
    FEEDBACK_COLUMNS,
    answer_row,
    feedback_rows,
)
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.data.datasets import DatasetLike, read_episode, resolve_dataset
from sb3_presa.data.formats.arrow_files import OBSERVED, arrow_column, read_parquet
from sb3_presa.data.formats.library import require
from sb3_presa.data.names import Part, coordinate_parts
from sb3_presa.errors import DatasetError
from sb3_presa.feedback.file import answers_path
from sb3_presa.feedback.table import Feedback
from sb3_presa.files import naming_full_disk

Array: TypeAlias = npt.NDArray[Any]

#: What is known of each step from the labels of segments that cover it.
STEP_LABELS = ("presa.p_safe", "presa.preferred")
#: The files that :func:`export_parquet` writes.
_TABLES = frozenset({"steps.parquet", "labels.parquet", "answers.parquet"})


def export_parquet(
    dataset: DatasetLike,
    folder: str | os.PathLike[str],
    feedback: str | Feedback | None = None,
    *,
    overwrite: bool = False,
) -> Path:
    """Write a dataset as ``steps.parquet``, one row a step, and its labels as ``labels.parquet``.

    Columns of steps are ``episode``, ``step``, ``observation.NAME``, ``action.NAME``, ``reward``,
    ``cost``, ``terminated``, ``truncated`` and ``timestamp``, with units in their metadata. Arrays
    without names are columns of lists. The parts of a Dict space are in the metadata of the file,
    and an import reads them there. Columns of labels are those of the CSV exchange. If people's
    answers lie beside the labels, ``answers.parquet`` has them, one row an answer.

    :param dataset: a Minari id, a path or an open dataset.
    :param folder: to make; it appears complete or not at all.
    :param feedback: labels, or their name; None: no table of labels.
    :param overwrite: replace an earlier export.
    :return: the folder.
    :raises DatasetError: if the folder is there already, or holds other files.
    :raises FeedbackError: if the labels are missing, or of other data.
    """
    pa = require("pyarrow", "tables")
    import pyarrow.parquet

    opened = resolve_dataset(dataset)
    labels = _labels(opened, feedback)
    with _new_folder(Path(folder), overwrite, _holds_tables) as written:
        parts = [_steps(opened, int(episode)) for episode in opened.episode_indices]
        # An episode may lack costs or times; theirs are null
        steps = pa.concat_tables(parts, promote_options="default")
        pyarrow.parquet.write_table(steps, written / "steps.parquet")
        if labels is not None:
            rows = list(feedback_rows(labels))
            schema = pa.schema([_field(pa, name) for name in FEEDBACK_COLUMNS])
            table = pa.Table.from_pylist(rows, schema=schema)
            pyarrow.parquet.write_table(table, written / "labels.parquet")
        if isinstance(feedback, str) and answers_path(opened, feedback).is_file():
            table = _answers(pa, answers_path(opened, feedback))
            pyarrow.parquet.write_table(table, written / "answers.parquet")
    return Path(folder)


def export_lerobot(
    dataset: DatasetLike,
    source: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    feedback: str | Feedback = "default",
    *,
    overwrite: bool = False,
) -> Path:
    """Copy a LeRobot dataset, with labels as columns of its steps.

    ``presa.p_safe`` is the mean of ``p_safe`` over the labelled segments that cover a step, and
    ``presa.preferred`` the mean probability that a segment that covers it was preferred. Both are
    NaN where nobody labelled.

    :param dataset: what was imported from it.
    :param source: the folder of the LeRobot dataset, of version 2.1 or 3.0; it is not changed.
    :param folder: the copy; it appears complete or not at all.
    :param feedback: labels, or their name.
    :param overwrite: replace an earlier copy with labels; the source is none.
    :return: the folder.
    :raises DatasetError: if the dataset is not of this source, or the folder is there already, or
        holds other files.
    :raises FeedbackError: if the labels are missing, or of other data.
    """
    pa = require("pyarrow", "tables")
    import pyarrow.parquet

    opened, origin = resolve_dataset(dataset), Path(source)
    labels = _labels(opened, feedback)
    assert labels is not None
    columns = step_labels(labels, _lengths(opened))
    by_index = _episode_indices(opened)

    def is_copy(there: Path) -> bool:
        return not there.samefile(origin) and _is_labelled_copy(there)

    with _new_folder(Path(folder), overwrite, is_copy) as written:
        shutil.copytree(origin, written, dirs_exist_ok=True)
        for file in sorted((written / "data").glob("*/*.parquet")):
            table = read_parquet(file)
            made = _with_labels(pa, table, columns, by_index, opened, file.relative_to(written))
            pyarrow.parquet.write_table(made, file)
        info_file = written / "meta" / "info.json"
        info = json.loads(info_file.read_text(encoding="utf-8"))
        for name in STEP_LABELS:
            info["features"][name] = {"dtype": "float32", "shape": [1], "names": None}
        info_file.write_text(json.dumps(info, indent=4), encoding="utf-8")
    return Path(folder)


def step_labels(feedback: Feedback, lengths: Mapping[int, int]) -> dict[int, dict[str, Array]]:
    """Labels of segments, spread over their steps.

    :param feedback: aligned with the dataset.
    :param lengths: steps of each episode by its id.
    :return: for each episode, ``(T,)`` float32 under each name of :data:`STEP_LABELS`.
    """
    sums = {e: {name: np.zeros((2, steps)) for name in STEP_LABELS} for e, steps in lengths.items()}

    def add(name: str, segment: Array, value: float) -> None:
        episode, start, length = (int(number) for number in segment)
        sums[episode][name][:, start : start + length] += [[value], [1.0]]

    for segment, p_safe in zip(feedback.segments, feedback.p_safe, strict=True):
        if not np.isnan(p_safe):
            add(STEP_LABELS[0], segment, float(p_safe))
    for pair, preference in zip(feedback.comparisons, feedback.preferences, strict=True):
        for row, value in zip(pair, (preference, 1.0 - preference), strict=True):
            add(STEP_LABELS[1], feedback.segments[row], float(value))
    with np.errstate(invalid="ignore"):  # 0 / 0: nobody said
        return {
            episode: {n: (total[0] / total[1]).astype(np.float32) for n, total in parts.items()}
            for episode, parts in sums.items()
        }


def _labels(dataset: MinariDataset, feedback: str | Feedback | None) -> Feedback | None:
    if feedback is None:
        return None
    found = Feedback.load(dataset, feedback) if isinstance(feedback, str) else feedback
    return found.align(dataset)


def _answers(pa: Any, path: Path) -> Any:
    """The table of the answers in a store; settings of strategies and guesses are JSON."""
    with contextlib.closing(AnswerStore(path, read_only=True)) as store:
        rows = [answer_row(answer) for answer in store.answers()]
    for row in rows:
        for name in ("strategy_parameters", "guess"):
            row[name] = None if row[name] is None else json.dumps(row[name], sort_keys=True)
    texts = ("annotator", "strategy", "strategy_parameters", "note", "role", "guess")
    reals = ("seconds", "answered_at")
    kinds = {name: pa.string() for name in texts} | {name: pa.float64() for name in reals}
    kinds["tags"] = pa.list_(pa.string())
    schema = pa.schema(
        [pa.field(n, kinds[n]) if n in kinds else _field(pa, n) for n in ANSWER_COLUMNS]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _lengths(dataset: MinariDataset) -> dict[int, int]:
    facts = dataset.storage.get_episode_metadata(dataset.episode_indices)
    steps = [int(each["total_steps"]) for each in facts]
    return dict(zip((int(e) for e in dataset.episode_indices), steps, strict=True))


def _field(pa: Any, name: str) -> Any:
    real = name.startswith(("preference", "p_safe"))
    return pa.field(name, pa.float32() if real else pa.int64())


def _steps(dataset: MinariDataset, number: int) -> Any:
    """The table of one episode."""
    import pyarrow as pa

    episode = read_episode(dataset, number)
    steps = len(episode.rewards)
    columns: dict[str, tuple[Any, str]] = {
        "episode": (np.full(steps, number), ""),
        "step": (np.arange(steps), ""),
    }
    observed, parts = episode.observations, {}
    for key, values in (observed if isinstance(observed, dict) else {"": observed}).items():
        prefix = f"observation.{key}" if key else "observation"
        of_key = _coordinates(dataset, "observations", key, prefix, np.asarray(values)[:steps])
        parts[key] = list(of_key)
        columns |= of_key
    columns |= _coordinates(dataset, "actions", "", "action", np.asarray(episode.actions))
    outcomes: dict[Part, Any] = {"reward": episode.rewards, "cost": episode.infos.get("cost")}
    for outcome, values in outcomes.items():
        if values is not None:
            unit = next(iter(coordinate_parts(dataset, outcome)), ("", ""))[1]
            columns[outcome] = (np.asarray(values).reshape(-1)[-steps:], unit)
    columns["terminated"] = (np.asarray(episode.terminations, bool), "")
    columns["truncated"] = (np.asarray(episode.truncations, bool), "")
    if "timestamp" in episode.infos:
        columns["timestamp"] = (np.asarray(episode.infos["timestamp"]).reshape(-1)[:steps], "s")
    arrays = {name: _nested(pa, np.asarray(values)) for name, (values, _) in columns.items()}
    fields = [
        pa.field(name, arrays[name].type, metadata={"unit": unit} if unit else None)
        for name, (_, unit) in columns.items()
    ]
    declared = {OBSERVED: json.dumps(parts)} if isinstance(observed, dict) else None
    return pa.table(list(arrays.values()), schema=pa.schema(fields, metadata=declared))


def _coordinates(
    dataset: MinariDataset, part: Part, key: str, prefix: str, values: Array
) -> dict[str, tuple[Array, str]]:
    """A column for each coordinate that has a name, else one of lists."""
    named = coordinate_parts(dataset, part, key)
    if not named or values.ndim != 2 or len(named) != values.shape[1]:
        return {prefix: (values, "")}
    return {
        f"{prefix}.{name}": (values[:, index], unit) for index, (name, unit) in enumerate(named)
    }


def _nested(pa: Any, values: Array) -> Any:
    """Lists of fixed length, nested as deep as an array has axes."""
    made = pa.array(np.ascontiguousarray(values).reshape(-1))
    for length in values.shape[:0:-1]:
        made = pa.FixedSizeListArray.from_arrays(made, length)
    return made


def _episode_indices(dataset: MinariDataset) -> dict[int, int]:
    """The id here of each episode of the LeRobot dataset."""
    facts = dataset.storage.get_episode_metadata(dataset.episode_indices)
    found = {}
    for episode, fact in zip(dataset.episode_indices, facts, strict=True):
        if "episode_index" not in fact:
            raise DatasetError(
                f"dataset '{dataset.id}' must be imported from LeRobot, but its episode {episode} "
                "has no `episode_index`"
            )
        found[int(fact["episode_index"])] = int(episode)
    return found


def _with_labels(
    pa: Any,
    table: Any,
    columns: Mapping[int, Mapping[str, Array]],
    by_index: Mapping[int, int],
    dataset: MinariDataset,
    file: Path,
) -> Any:
    """A table of a LeRobot dataset with the labels of its steps; NaN in other episodes."""
    numbers = arrow_column(table.column("episode_index")).values
    actions = arrow_column(table.column("action")).values
    labels = {name: np.full(len(numbers), np.nan, np.float32) for name in STEP_LABELS}
    for number in np.unique(numbers).tolist():
        if number not in by_index:
            continue
        rows = np.flatnonzero(numbers == number)
        episode = by_index[number]
        known = np.asarray(read_episode(dataset, episode).actions).reshape(-1)
        logged = actions[rows].reshape(-1)
        if known.shape != logged.shape or not np.allclose(known, logged, rtol=1e-6, atol=1e-6):
            raise DatasetError(
                f"dataset '{dataset.id}' must hold the actions of {file}, but episode {number} "
                "has other ones: name the source that it was imported from"
            )
        for name in STEP_LABELS:
            labels[name][rows] = columns[episode][name]
    for name, values in labels.items():
        if name in table.column_names:
            table = table.drop_columns([name])
        table = table.append_column(name, pa.array(values))
    metadata = dict(table.schema.metadata or {})
    if b"huggingface" in metadata:  # which says again what columns there are
        known_features = json.loads(metadata[b"huggingface"])
        for name in STEP_LABELS:
            known_features["info"]["features"][name] = {"dtype": "float32", "_type": "Value"}
        metadata[b"huggingface"] = json.dumps(known_features).encode()
    return table.replace_schema_metadata(metadata or None)


def _holds_tables(folder: Path) -> bool:
    """Whether a folder has nothing that :func:`export_parquet` did not write."""
    return folder.is_dir() and {file.name for file in folder.iterdir()} <= _TABLES


def _is_labelled_copy(folder: Path) -> bool:
    """Whether :func:`export_lerobot` wrote a folder."""
    info = folder / "meta" / "info.json"
    return info.is_file() and STEP_LABELS[0] in info.read_text(encoding="utf-8")


@contextmanager
def _new_folder(folder: Path, overwrite: bool, is_export: Callable[[Path], bool]) -> Iterator[Path]:
    """A folder to write to, which takes its place at the end, and that of an earlier export."""
    if folder.exists() and not overwrite:
        raise DatasetError(
            f"{folder} must not exist yet, but it does; choose another folder, or replace it with "
            "overwrite=True (--overwrite)"
        )
    if folder.exists() and not is_export(folder):
        raise DatasetError(
            f"{folder} must be an earlier export to be replaced, got other files; choose another "
            "folder, or remove it yourself"
        )
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex
    written = folder.with_name(f".{folder.name}.{mark}.tmp")
    aside = folder.with_name(f".{folder.name}.{mark}.old")
    try:
        with naming_full_disk(folder):
            written.mkdir()
            yield written
        if folder.exists():
            folder.rename(aside)
        written.rename(folder)
    finally:
        shutil.rmtree(written, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)
