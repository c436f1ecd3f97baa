"""The file format of feedback: ``<dataset>/data/feedback/<name>.hdf5``.

::

    attributes      format = "sb3_presa feedback", format_version = 1, dataset_id, provenance (JSON)
    segments        (S, 3)  int64    episode id, first step, number of steps
    p_safe          (S,)    float32  in [0, 1], NaN = not labelled
    comparisons     (C, 2)  int64    two rows of segments
    preferences     (C,)    float32  P(the first is preferred), in [0, 1]
    weights         (S,)    float32  how much of a segment is worth imitating; may be missing
    levels          (G,)    float64  safety levels, where weights are (S, G); may be missing
    episode_ids     (E,)    int64    every episode that occurs in segments
    episode_hashes  (E, 32) uint8    SHA-256 of its observations and actions

Tables are compressed and have checksums, so that a damaged file is noticed. The version changes
when an older reader would misread the file.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from minari import MinariDataset

from sb3_presa.data.stored import most_bytes
from sb3_presa.errors import FeedbackError, FeedbackNotFoundError
from sb3_presa.feedback.unmerged import ANSWERS_SUFFIX, answers_beside
from sb3_presa.files import explain_unreadable, write_bytes

FORMAT = "sb3_presa feedback"
FORMAT_VERSION = 1
SUFFIX = ".hdf5"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
# Table -> dtype, columns (0: one number per row), and HDF5's fill value for rows that a damaged
# file has lost: a number that fails the checks.
_TABLES: Mapping[str, tuple[str, int, int]] = {
    "segments": ("<i8", 3, -1),
    "p_safe": ("<f4", 0, -1),
    "comparisons": ("<i8", 2, -1),
    "preferences": ("<f4", 0, -1),
    "weights": ("<f4", 0, -1),
    "levels": ("<f8", 0, -1),
    "episode_ids": ("<i8", 0, -1),
    "episode_hashes": ("|u1", 32, 0),
}
_OPTIONAL = frozenset({"weights", "levels"})
# Metadata of this version have checksums, and HDF5 has read it since 2016.
_LIBRARY_VERSION = ("v110", "latest")


def feedback_path(dataset: MinariDataset, name: str) -> Path:
    """The path of a feedback file, whether it exists or not.

    :param dataset: the open dataset.
    :param name: letters, digits, ``-``, ``_`` and ``.``, at most 100 of them.
    :return: the path of the file.
    :raises FeedbackError: if the name is invalid.
    """
    if not _NAME.fullmatch(name):
        raise FeedbackError(
            "the name of feedback must have 1 to 100 letters, digits, '-', '_' and '.', and start "
            f"with a letter, a digit or '_', got '{name}'"
        )
    return Path(dataset.storage.data_path) / "feedback" / f"{name}{SUFFIX}"


def answers_path(dataset: MinariDataset, name: str) -> Path:
    """The path of a store of answers, whether it exists or not.

    :param dataset: the open dataset.
    :param name: the name of their feedback: letters, digits, ``-``, ``_``, ``.``.
    :return: the path of the file.
    :raises FeedbackError: if the name is invalid.
    """
    return feedback_path(dataset, name).with_name(name + ANSWERS_SUFFIX)


def require_feedback_path(dataset: MinariDataset, name: str) -> Path:
    """As :func:`feedback_path`, for a file that exists.

    :raises FeedbackNotFoundError: if it does not exist; the message lists the known names.
    """
    path = feedback_path(dataset, name)
    if not path.is_file():
        raise FeedbackNotFoundError(_not_found(dataset, name, path))
    return path


def _not_found(dataset: MinariDataset, name: str, path: Path) -> str:
    merged = feedback_names(dataset)
    names = ", ".join(f"'{known}'" for known in merged) or "none"
    message = f"feedback '{name}' not found for dataset '{dataset.id}' ({path}); available: {names}"
    answers = {found.name: found for found in answers_beside(dataset)}
    unmerged = [
        found
        for found in answers.values()
        if found.standing is not None and not feedback_path(dataset, found.name).exists()
    ]
    if name in answers:
        found = answers[name]
        if found.standing is None:
            return f"{message}. {found.damage}"
        return (
            f"{message}. {found.words} of people lie in {found.path} and are not merged: "
            f"{found.command()}"
        )
    if unmerged:
        listed = "; ".join(
            f"{found.words} in {found.path}: {found.command()}" for found in unmerged
        )
        return f"{message}. Answers of people are not merged: {listed}"
    if merged:
        message += f". Use another one (--feedback {merged[0]})"
    return (
        f"{message}. Make it with Feedback.create or Feedback.synthetic (sb3-presa label), and "
        "save it"
    )


def feedback_names(dataset: MinariDataset) -> list[str]:
    """The names of all feedback beside a dataset, sorted."""
    folder = Path(dataset.storage.data_path) / "feedback"
    names = (path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))
    return sorted(name for name in names if _NAME.fullmatch(name))


def write_feedback(path: Path, values: Mapping[str, Any]) -> None:
    """Write a feedback file atomically; an older file with this name is replaced.

    :param path: the file; its folder is made if it is missing.
    :param values: the values of a ``Feedback`` by name, as returned by :func:`read_feedback`.
    """
    path.parent.mkdir(exist_ok=True)
    by_id = values["episode_hashes"]
    ids = sorted(by_id)
    hashes = b"".join(by_id[i] for i in ids)
    tables: dict[str, npt.NDArray[Any]] = {
        **{name: values[name] for name in _TABLES if values.get(name) is not None},
        "episode_ids": np.asarray(ids, dtype=np.int64),
        "episode_hashes": np.frombuffer(hashes, dtype=np.uint8).reshape(len(ids), 32),
    }
    # In memory: on a full disk, HDF5 reports no error when it closes its file
    with h5py.File(
        path.name, "w", libver=_LIBRARY_VERSION, driver="core", backing_store=False
    ) as file:
        _write_text(file, "format", FORMAT)
        file.attrs["format_version"] = FORMAT_VERSION
        _write_text(file, "dataset_id", values["dataset_id"])
        _write_text(file, "provenance", json.dumps(dict(values["provenance"])))
        for name, table in tables.items():
            _write_table(file, name, table)
        file.flush()
        image = file.id.get_file_image()
    write_bytes(path, image)


def _write_text(file: h5py.File, name: str, text: str) -> None:
    # Fixed length: HDF5's variable-length strings have no checksum, and reading them from a damaged
    # file can hang.
    file.attrs[name] = np.bytes_(text.encode("utf-8") or b" ")


def _read_text(path: Path, file: h5py.File, name: str) -> str:
    kind = file.attrs.get_id(name).dtype.kind if name in file.attrs else "missing"
    if kind != "S":
        raise FeedbackError(
            f"{path} is not a feedback file: attribute '{name}' must be text, got {kind}"
        )
    return bytes(file.attrs[name]).decode("utf-8")


def _write_table(file: h5py.File, name: str, table: npt.NDArray[Any]) -> None:
    dtype, _, fill = _TABLES[name]
    if len(table) == 0:  # nothing to compress or to check
        file.create_dataset(name, data=table, dtype=dtype)
        return
    file.create_dataset(
        name,
        data=table,
        dtype=dtype,
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        fletcher32=True,
        fillvalue=fill,
    )


def read_feedback(path: Path) -> dict[str, Any]:
    """Read the tables and attributes of a feedback file.

    :param path: the file.
    :return: keyword arguments for ``Feedback``, whose constructor checks the rows.
    :raises FeedbackError: if the file is damaged, not a feedback file, or of a newer version.
    """
    with _opened(path) as file:
        provenance = _provenance(path, file)
        dataset_id = _read_text(path, file, "dataset_id")
        names = [name for name in _TABLES if name in file or name not in _OPTIONAL]
        tables = {name: _read_table(path, file, name) for name in names}
    ids = tables.pop("episode_ids").tolist()
    hashes = tables.pop("episode_hashes")
    if not len(ids) == len(hashes) == len(set(ids)):
        raise FeedbackError(
            f"the feedback file {path} is damaged: it must have one hash per episode id, got "
            f"{len(hashes)} hashes of {len(set(ids))} different ids"
        )
    return {
        **tables,
        "episode_hashes": {i: row.tobytes() for i, row in zip(ids, hashes, strict=True)},
        "dataset_id": dataset_id,
        "provenance": provenance,
    }


def read_provenance(path: Path) -> dict[str, Any]:
    """Read the origin of a feedback file alone.

    :param path: the file.
    :return: its provenance.
    :raises FeedbackError: if the file is damaged, not a feedback file, or of a newer version.
    """
    with _opened(path) as file:
        return _provenance(path, file)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    try:
        with h5py.File(path, "r") as file:
            _check_version(path, file)
            yield file
    except FeedbackError:
        raise
    except Exception as error:  # h5py passes on any error of its C library
        raise FeedbackError(f"the feedback file {path} {explain_unreadable(error)}") from error


def _provenance(path: Path, file: h5py.File) -> dict[str, Any]:
    provenance = json.loads(_read_text(path, file, "provenance"))
    if not isinstance(provenance, dict):
        raise FeedbackError(
            f"the feedback file {path} is damaged: its provenance must be a JSON object, got "
            f"{type(provenance).__name__}"
        )
    return provenance


def _check_version(path: Path, file: h5py.File) -> None:
    found = _read_text(path, file, "format")
    if found != FORMAT:
        raise FeedbackError(
            f"{path} is not a feedback file: its attribute 'format' must be '{FORMAT}', got "
            f"'{found}'"
        )
    version = int(file.attrs["format_version"])
    if not 1 <= version <= FORMAT_VERSION:
        raise FeedbackError(
            f"the format version of a feedback file must be 1 to {FORMAT_VERSION}, got {version} "
            f"({path}); update sb3_presa to read it"
        )


def _read_table(path: Path, file: h5py.File, name: str) -> npt.NDArray[Any]:
    dtype, columns, _ = _TABLES[name]
    table = file.get(name)
    shape = (columns,) if columns else ()
    if name == "weights" and isinstance(levels := file.get("levels"), h5py.Dataset):
        shape = levels.shape
    if not isinstance(table, h5py.Dataset) or table.dtype.str != dtype or table.shape[1:] != shape:
        raise FeedbackError(
            f"the feedback file {path} is damaged: table '{name}' must be {dtype} of shape "
            f"{('n', *shape)}, got {'no table' if table is None else table}"
        )
    if table.nbytes > most_bytes(path.stat().st_size):
        raise FeedbackError(
            f"the feedback file {path} is damaged: table '{name}' must fit a file of "
            f"{path.stat().st_size:,} bytes, got {table.nbytes:,} bytes"
        )
    return np.asarray(table[()])
