"""MCAP files with messages in JSON, of ROS 2, or in protocol buffers: read by mcap."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from sb3_presa.data.formats.clock import Message, Topic, bag_reading, flat_numbers
from sb3_presa.data.formats.format import Options, Reading
from sb3_presa.data.formats.library import require
from sb3_presa.errors import ConfigError, DatasetError

_MAGIC = b"\x89MCAP0\r\n"
#: Packages that decode messages, with the encodings that they are for.
_DECODERS = {"mcap_ros2.decoder": "cdr", "mcap_protobuf.decoder": "protobuf"}


class McapFile:
    """MCAP files."""

    name = "mcap"

    def recognises(self, path: Path) -> bool:
        """As :meth:`~sb3_presa.data.formats.format.Format.recognises`."""
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC

    def read(self, path: Path, where: str, options: Options) -> Reading:
        """As :meth:`~sb3_presa.data.formats.format.Format.read`."""
        library = require("mcap.reader", "bags")
        try:
            with path.open("rb") as file:
                reader = library.make_reader(file, validate_crcs=True)
                topics = _Topics(path, reader)
                return _with_notes(where, topics, options)
        except (DatasetError, ConfigError):
            raise
        except Exception as error:  # the library and its decoders raise all kinds
            if not _is_whole(path):
                raise DatasetError(
                    f"{path} cannot be read as MCAP: it ends too early, as where a recorder lost "
                    "power. `mcap recover` of the MCAP command line saves what it holds"
                ) from error
            reason = f"{type(error).__name__}: {error}"
            raise DatasetError(f"{path} cannot be read as MCAP: {reason}") from error


def _is_whole(path: Path) -> bool:
    """Whether a file ends as it begins."""
    with path.open("rb") as file:
        file.seek(-min(len(_MAGIC), path.stat().st_size), os.SEEK_END)
        return file.read() == _MAGIC


def _with_notes(where: str, topics: "_Topics", options: Options) -> Reading:
    """The log of a file, with notes on the topics that are left out."""
    try:
        reading = bag_reading(where, topics, options, typed=False)
    except ConfigError as error:
        if not topics.unread():
            raise
        raise ConfigError("; ".join([str(error), *topics.unread()])) from error
    return replace(reading, notes=[*reading.notes, *topics.unread()])


class _Topics:
    """The topics of an open file."""

    def __init__(self, path: Path, reader: Any) -> None:
        self._path, self._reader = path, reader
        self._decoders: dict[int, Any] = {}
        self._unread: dict[str, str] = {}

    def first(self) -> Iterator[Topic]:
        seen: set[str] = set()
        for message in self._decoded(None, once=True):
            if message.topic not in seen:
                seen.add(message.topic)
                yield Topic(message.topic, tuple(message.values))
        if not seen:
            nothing = f"{self._path} must hold messages that can be decoded, got none"
            raise DatasetError("; ".join([nothing, *self.unread()]))

    def unread(self) -> list[str]:
        """The topics that cannot be read, and why, a text each."""
        return [f"topic {topic} is left out: {why}" for topic, why in self._unread.items()]

    def messages(self, topics: list[str]) -> Iterator[Message]:
        yield from self._decoded(topics, once=False)

    def _decoded(self, topics: list[str] | None, once: bool) -> Iterator[Message]:
        done: set[str] = set()
        # In the order of the file; who reads sorts by time. The reader's own order ignores what
        # it is told in files without chunks.
        found = self._reader.iter_messages(topics=topics, log_time_order=False)
        for schema, channel, message in found:
            if channel.topic in done:
                continue
            if once:
                done.add(channel.topic)
            decode = self._decoder(schema, channel)
            if decode is not None:
                values = flat_numbers(decode(message.data), _fields)
                yield Message(channel.topic, message.log_time, values)

    def _decoder(self, schema: Any, channel: Any) -> Any:
        if channel.id not in self._decoders:
            self._decoders[channel.id] = self._find(schema, channel)
        return self._decoders[channel.id]

    def _find(self, schema: Any, channel: Any) -> Any:
        if channel.message_encoding == "json":
            return json.loads
        for module, encoding in _DECODERS.items():
            if encoding != channel.message_encoding:
                continue
            try:
                factory = import_module(module).DecoderFactory()
            except ImportError as error:
                self._unread[channel.topic] = f"{error}; pip install 'sb3_presa[bags]'"
                return None
            decoder = factory.decoder_for(channel.message_encoding, schema)
            if decoder is None:
                kind = schema.encoding if schema is not None else "none"
                self._unread[channel.topic] = f"schema '{kind}' is not one of {encoding} messages"
            return decoder
        self._unread[channel.topic] = f"encoding '{channel.message_encoding}' is not known"
        return None


def _fields(value: Any) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    if isinstance(value, Mapping):  # of protocol buffers: in no order, and of keys when iterated
        return {str(key): value[key] for key in sorted(value)}
    if hasattr(value, "DESCRIPTOR"):
        # A field that was not set would be read as 0
        return {
            field.name: getattr(value, field.name)
            for field in value.DESCRIPTOR.fields
            if not field.has_presence or value.HasField(field.name)
        }
    slots = getattr(value, "__slots__", None)
    return {name: getattr(value, name) for name in slots} if slots else None
