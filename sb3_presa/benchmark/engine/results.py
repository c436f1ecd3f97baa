"""Result files: one row per cell; a written row survives any crash."""

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sb3_presa.benchmark.engine.columns import identity_columns
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.errors import ConfigError
from sb3_presa.files import locked, write_text

#: The first columns of every results file.
COLUMNS = (
    "task",
    "dataset",
    "cost_limit",
    "algorithm",
    "seed",
    "reward_mean",
    "cost_mean",
    "normalized_reward",
    "normalized_cost",
    "safe",
    "safe_episode_ratio",
    "cost_cvar90",
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """
    A failed cell.

    :param cell: the cell
    :param attempts: number of attempts
    :param error: the last error, in one line
    :param traceback: its traceback, empty if the process died
    """

    cell: Cell
    attempts: int
    error: str
    traceback: str


class ResultFile:
    """
    The rows of one suite, on the disk and in memory.

    Each new row replaces the whole file atomically. Only one process at a time may open it, see
    :meth:`open`.

    :param path: a CSV file
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, Row] = {}

    @property
    def failures_path(self) -> Path:
        """:return: the file that lists the failed cells"""
        return _failures_path(self.path)

    @contextmanager
    def open(self) -> Iterator["ResultFile"]:
        """
        Reads the file, and locks it against other processes during the block.

        :raises ConfigError: if another process runs this suite, or the file is not a results file
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _lock(self.path.with_name(f".{self.path.name}.lock"), self.path):
            if self.path.exists():
                self.rows = {row["key"]: row for row in read_rows(self.path, needed=("key",))}
            yield self

    def rename(self, cells: Iterable[Cell]) -> None:
        """
        Updates the names of rows to those in the suite, and moves these rows below those of its
        earlier versions. Of rows with equal task, limit, algorithm and seed, the last one counts.

        :param cells: the suite's cells
        """
        before = list(self.rows)
        cells = list(cells)
        changed = False
        for cell in cells:
            row = self.rows.get(cell.key)
            if row is None:
                continue
            names = {name: str(value) for name, value in identity_columns(cell).items()}
            changed = changed or any(str(row.get(name)) != value for name, value in names.items())
            row.update(names)
        self._put_last({cell.key for cell in cells})
        if changed or list(self.rows) != before:
            self._write()

    def _put_last(self, keys: set[str]) -> None:
        """Move those of these rows to the end whose place another row has, too."""
        others = {_place(row) for key, row in self.rows.items() if key not in keys}
        for key in [key for key in self.rows if key in keys and _place(self.rows[key]) in others]:
            self.rows[key] = self.rows.pop(key)

    def add(self, row: Row) -> None:
        """
        :param row: the row of a finished cell; it is on the disk when this returns
        """
        self.rows[row["key"]] = row
        self._write()

    def write_failures(self, failures: Iterable[Failure], kept: Collection[str] = ()) -> None:
        """
        :param failures: the failed cells
        :param kept: keys of cells that stay listed, if they are; if none is listed, the file is
            removed
        """
        listed = [entry for entry in read_failures(self.path) if entry["key"] in kept]
        listed += [{**asdict(failure), "key": failure.cell.key} for failure in failures]
        if not listed:
            self.failures_path.unlink(missing_ok=True)
            return
        write_text(self.failures_path, json.dumps(listed, indent=2) + "\n")

    def _write(self) -> None:
        rows = list(self.rows.values())
        names = dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])
        write_text(self.path, format_rows(rows, list(names)))


def _place(row: Row) -> tuple[str, ...]:
    named = ("task", "cost_limit", "algorithm", "seed", "study")
    return tuple(str(row.get(name)) for name in named)


def read_failures(results: Path) -> list[dict[str, Any]]:
    """
    :param results: a results file
    :return: its failed cells, from the file beside it
    """
    path = _failures_path(results)
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
    return found


def _failures_path(results: Path) -> Path:
    return results.with_suffix(".failures.json")


def format_rows(rows: Iterable[Mapping[str, Any]], names: list[str]) -> str:
    """
    :param rows: the rows; missing columns are left empty
    :param names: the columns
    :return: CSV
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_rows(path: Path, needed: Iterable[str] = ()) -> list[dict[str, str]]:
    """
    :param path: a results file
    :param needed: required columns in addition to :data:`COLUMNS`
    :return: its rows, as text
    :raises ConfigError: if a column is missing, or the length of a row differs from the header's
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or []
            for name in (*COLUMNS, *needed):
                if name not in names:
                    raise ConfigError(
                        f"{path} is not a results file: its columns must include {name!r}, got "
                        f"{', '.join(names) or 'none'}"
                    )
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is not a results file: {error}") from error
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            fields = sum(isinstance(value, str) for value in row.values())
            fields += len(row.get(None) or ())
            raise ConfigError(
                f"{path}, row {number}: the row must have {len(names)} fields, as the header, got "
                f"{fields}"
            )
    return rows


@contextmanager
def _lock(path: Path, of: Path) -> Iterator[None]:
    """Lock a file during the block; the lock ends with the process, and the file stays."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path))
        except BlockingIOError as error:
            raise ConfigError(
                f"{of} must be written by one run at a time, but another run writes it now"
            ) from error
        yield
