"""ROS bags, of both versions: read by rosbags."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sb3_presa.data.formats.clock import Message, Topic, bag_reading, flat_numbers
from sb3_presa.data.formats.format import Options, Reading
from sb3_presa.data.formats.library import require
from sb3_presa.errors import ConfigError, DatasetError

_ROS1 = b"#ROSBAG V"


class RosBag:
    """Files of ROS 1 (``.bag``) and folders of ROS 2 (``metadata.yaml``, SQLite or MCAP)."""

    name = "rosbag"

    def recognises(self, path: Path) -> bool:
        """As :meth:`~sb3_presa.data.formats.format.Format.recognises`."""
        if path.is_dir():
            return (path / "metadata.yaml").is_file()
        with path.open("rb") as file:
            return file.read(len(_ROS1)) == _ROS1

    def read(self, path: Path, where: str, options: Options) -> Reading:
        """As :meth:`~sb3_presa.data.formats.format.Format.read`."""
        highlevel = require("rosbags.highlevel", "bags")
        typesys = require("rosbags.typesys", "bags")
        store = typesys.get_typestore(typesys.Stores.LATEST)
        try:
            with highlevel.AnyReader([path], default_typestore=store) as reader:
                # Of an empty bag, times and duration are those of nothing
                if not reader.message_count:
                    raise DatasetError(f"{path} must hold messages, got none")
                return bag_reading(where, _Topics(reader), options, typed=True)
        except (DatasetError, ConfigError):
            raise
        except Exception as error:  # the library and its parsers of messages raise all kinds
            reason = f"{type(error).__name__}: {error}"
            raise DatasetError(f"{path} cannot be read as a ROS bag: {reason}") from error


class _Topics:
    """The topics of an open bag."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def first(self) -> Iterator[Topic]:
        seen: set[str] = set()
        for connection in self._reader.connections:
            if connection.topic in seen:
                continue
            seen.add(connection.topic)
            message = next(self.messages([connection.topic]), None)
            if message is not None:
                yield Topic(connection.topic, tuple(message.values))

    def messages(self, topics: list[str]) -> Iterator[Message]:
        chosen = [each for each in self._reader.connections if each.topic in topics]
        if not chosen:
            return
        for connection, time, raw in self._reader.messages(connections=chosen):
            message = self._reader.deserialize(raw, connection.msgtype)
            yield Message(connection.topic, time, flat_numbers(message, _fields))


def _fields(value: Any) -> dict[str, Any] | None:
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is None or isinstance(value, np.ndarray):
        return None
    return {name: getattr(value, name) for name in fields if not name.startswith("__")}
