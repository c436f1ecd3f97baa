"""LeRobot datasets of versions 2.1 and 3.0: Parquet, ``meta/``, videos and pictures.

The package itself pins a PyTorch of its own, and is not needed to read its format.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

from sb3_presa.data.formats.arrow_files import arrow_table, read_parquet
from sb3_presa.data.formats.cameras import Camera, Footage
from sb3_presa.data.formats.format import Options, Reading
from sb3_presa.data.formats.library import require
from sb3_presa.data.formats.pictures import Pictures
from sb3_presa.data.formats.roles import Roles
from sb3_presa.data.formats.table import LogColumn, Scalar, Table
from sb3_presa.errors import DatasetError

VERSIONS = ("v2.1", "v3.0")
#: What a policy of LeRobot sees beside pictures.
_STATES = ("observation.state", "observation.environment_state")
#: Columns of the table of episodes that say where things lie, and statistics.
_PLUMBING = ("stats/", "data/", "videos/", "meta/", "dataset_")


class LeRobotFolder:
    """Folders of LeRobot datasets."""

    name = "lerobot"

    def recognises(self, path: Path) -> bool:
        """As :meth:`~sb3_presa.data.formats.format.Format.recognises`."""
        info = path / "meta" / "info.json"
        return info.is_file() and b"codebase_version" in info.read_bytes()

    def read(self, path: Path, where: str, options: Options) -> Reading:
        """As :meth:`~sb3_presa.data.formats.format.Format.read`."""
        require("pyarrow", "tables")
        if not path.is_dir():
            raise DatasetError(f"{path} must be the folder of a LeRobot dataset, got a file")
        try:
            return _read(_Folder(path), where, options)
        except DatasetError:
            raise
        except (OSError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise DatasetError(f"{path} cannot be read as a LeRobot dataset: {reason}") from error


class _Folder:
    """The files of a dataset, whichever of the versions it is of.

    :param path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.info = json.loads((path / "meta" / "info.json").read_text(encoding="utf-8"))
        self.version = str(self.info["codebase_version"])
        if self.version not in VERSIONS:
            raise DatasetError(
                f"`codebase_version` must be one of {', '.join(VERSIONS)}, got {self.version} "
                f"({path / 'meta' / 'info.json'}); convert the dataset with LeRobot's own scripts"
            )
        self.features: Mapping[str, Any] = self.info["features"]
        self.episodes = self._episodes()
        # One at a time, for pictures are large, and a file holds many episodes
        self._table = lru_cache(maxsize=1)(_pictures_of)

    def _episodes(self) -> list[dict[str, Any]]:
        if self.version == "v2.1":
            text = (self.path / "meta" / "episodes.jsonl").read_text(encoding="utf-8")
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            files = sorted((self.path / "meta" / "episodes").glob("*/*.parquet"))
            rows = [row for file in files for row in _facts_of(file)]
        found, declared = len(rows), int(self.info["total_episodes"])
        if found != declared:
            raise DatasetError(
                f"{self.path} must have the {declared} episodes that meta/info.json declares "
                f"(total_episodes), got {found}"
            )
        return sorted(rows, key=lambda row: int(row["episode_index"]))

    def data(self, episode: Mapping[str, Any]) -> Path:
        """The Parquet file of an episode."""
        return self._file(self.info["data_path"], episode, "data")

    def camera(self, name: str) -> Camera:
        """Parts of videos, or pictures in the tables."""
        fps, rows = self.info["fps"], enumerate(self.episodes)
        if not isinstance(fps, int | float) or not 0 < fps < math.inf:
            raise DatasetError(
                f"`fps` must be a number above 0, got {fps!r} ({self.path}/meta/info.json); or "
                "leave cameras out (cameras='', --cameras '')"
            )
        if self.features[name]["dtype"] == "image":
            return Camera(fps, pictures={place: self._pictures(row, name) for place, row in rows})
        return Camera(fps, {place: self._video(row, name) for place, row in rows})

    def _video(self, episode: Mapping[str, Any], camera: str) -> Footage:
        file = self._file(self.info["video_path"], episode, f"videos/{camera}", video_key=camera)
        return Footage(file, float(episode.get(f"videos/{camera}/from_timestamp", 0.0)))

    def _pictures(self, episode: Mapping[str, Any], camera: str) -> Pictures:
        file, index = self.data(episode), int(episode["episode_index"])
        where = f"{file}, column '{camera}', episode {index}"

        def load() -> list[bytes | None]:
            table = self._table(file, camera)
            rows = table[camera].filter(_is_of(table, index)).to_pylist()
            return [None if row is None else row["bytes"] for row in rows]

        return Pictures(where, load)

    def _file(self, template: str, episode: Mapping[str, Any], part: str, **words: str) -> Path:
        index = int(episode["episode_index"])
        if self.version == "v2.1":
            chunk = index // int(self.info["chunks_size"])
            words |= {"episode_chunk": chunk, "episode_index": index}  # type: ignore[dict-item]
        else:
            for word in ("chunk_index", "file_index"):
                words[word] = episode[f"{part}/{word}"]
        file = self.path / template.format(**words)
        if not file.resolve().is_relative_to(self.path.resolve()):
            raise DatasetError(f"files must lie in {self.path}, got {file} (meta/info.json)")
        if not file.is_file():
            remedy = (
                "; or leave cameras out (cameras='', --cameras '')" if "video_key" in words else ""
            )
            raise DatasetError(f"{file} must exist, for episode {index}, but is missing{remedy}")
        return file


def _pictures_of(file: Path, camera: str) -> Any:
    return read_parquet(file, ["episode_index", camera])


def _read(folder: _Folder, where: str, options: Options) -> Reading:
    numbers = [
        name
        for name, feature in folder.features.items()
        if feature["dtype"] not in ("video", "image", "string")
    ]
    cameras = _wanted(
        [n for n, feature in folder.features.items() if feature["dtype"] in ("video", "image")],
        options.cameras,
        folder.path,
    )
    states = tuple(name for name in _STATES if name in numbers)
    tables = list(_tables(folder, where, numbers))
    return Reading(
        tables,
        Roles(
            observations={"": states} if states else None,
            # Of one table an episode: nothing tells episodes apart any more
            episode="",
            end="next.done" if "next.done" in numbers else None,
        ),
        [],
        metadata={
            "fps": folder.info.get("fps"),
            "robot_type": folder.info.get("robot_type"),
            "lerobot_version": folder.version,
        },
        cameras={name: folder.camera(name) for name in cameras},
        several=False,
    )


def _is_of(table: Any, episode: int) -> Any:
    """Which rows of a table belong to an episode."""
    import pyarrow.compute

    return pyarrow.compute.equal(table["episode_index"], episode)


def _wanted(cameras: list[str], patterns: tuple[str, ...] | None, path: Path) -> list[str]:
    """Those that patterns mean; an empty one means none."""
    if patterns is None:
        return cameras
    for pattern in patterns:
        if pattern and not any(fnmatchcase(camera, pattern) for camera in cameras):
            raise DatasetError(
                f"`cameras` must name cameras of {path}, got '{pattern}'. Cameras: "
                f"{', '.join(cameras) or 'none'}"
            )
    return [one for one in cameras if any(fnmatchcase(one, pattern) for pattern in patterns)]


def _tables(folder: _Folder, name: str, numbers: list[str]) -> Iterator[Table]:
    """A table for each episode."""
    names = {name: _coordinates(folder.features[name]) for name in numbers}

    @cache
    def whole(file: Path) -> Any:
        return read_parquet(file, numbers)

    for row in folder.episodes:
        file, index = folder.data(row), int(row["episode_index"])
        table = whole(file)
        table = table.filter(_is_of(table, index))
        where = f"{name}/{file.relative_to(folder.path)}, episode {index}"
        if table.num_rows != int(row["length"]):
            raise DatasetError(
                f"{folder.path / file.relative_to(folder.path)}: episode {index} must have the "
                f"{row['length']} rows that meta/ declares, got {table.num_rows}"
            )
        made = arrow_table(table, where)
        facts = {**_attributes(row), **_success(made)}
        yield replace(made, load=partial(_named, made, names), attributes=facts)


def _named(table: Table, names: Mapping[str, tuple[str, ...]], name: str) -> LogColumn:
    return replace(table.load(name), names=names[name])


def _coordinates(feature: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a vector's coordinates: a list, or lists by the kind of thing they are."""
    names = feature.get("names")
    if isinstance(names, dict):
        parts = [part for part in names.values() if isinstance(part, list)]
        names = [name for part in parts for name in part] if parts else list(names)
    shape = feature.get("shape", [])
    if not isinstance(names, list) or len(shape) != 1 or len(names) != shape[0]:
        return ()
    return tuple(map(str, names))


def _facts_of(file: Path) -> list[dict[str, Any]]:
    """Rows of the table of episodes, without their statistics."""
    table = read_parquet(file)
    return list(table.select([n for n in table.column_names if "stats/" not in n]).to_pylist())


def _attributes(row: Mapping[str, Any]) -> dict[str, Scalar]:
    facts: dict[str, Scalar] = {}
    for name, value in row.items():
        if name == "tasks":
            facts["task"] = "; ".join(map(str, value))
        elif not name.startswith(_PLUMBING) and isinstance(value, str | int | float | bool):
            facts[name] = value
    return facts


def _success(table: Table) -> dict[str, Scalar]:
    for name in ("next.success", "success"):
        if name in table.names:
            return {"success": bool(table.load(name).values.any())}
    return {}
