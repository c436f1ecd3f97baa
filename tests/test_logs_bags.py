"""MCAP files and ROS bags, written by the formats' own libraries, on one clock."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, message_factory
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.writer import Writer
from mcap_protobuf.writer import Writer as ProtobufWriter
from mcap_ros2.writer import Writer as Ros2Writer
from rosbags.rosbag1 import Writer as Bag1
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Bag2
from rosbags.typesys import Stores, get_typestore

from sb3_presa.data import import_logs, load_transitions, read_logs
from sb3_presa.data.episodes import load_endings
from sb3_presa.data.formats.clock import _Stream
from sb3_presa.errors import ConfigError, DatasetError

#: Nanoseconds of today, which float64 rounds to 256.
START = 1_790_000_000_000_000_001
SECOND = 10**9
COLUMNS: dict[str, Any] = {"observations": "/pose.*", "actions": "/cmd.speed"}
Sent = Iterable[tuple[str, int, dict[str, Any]]]


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))


def write_mcap(path: Path, sent: Sent, **options: Any) -> Path:
    """Messages in JSON, in the order in which they are given."""
    with path.open("wb") as file:
        writer = Writer(file, **options)
        writer.start()
        schema = writer.register_schema("any", "jsonschema", b'{"type": "object"}')
        channels: dict[str, int] = {}
        for topic, time, message in sent:
            if topic not in channels:
                channels[topic] = writer.register_channel(topic, "json", schema)
            content = json.dumps(message).encode()
            writer.add_message(channels[topic], time, content, time)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def drive() -> list[tuple[str, int, dict[str, Any]]]:
    """A pose every 100 ms; a command 30 ms after each, which is what was answered to it."""
    sent: list[tuple[str, int, dict[str, Any]]] = []
    for step in range(6):
        at = START + step * SECOND // 10
        sent.append(("/pose", at, {"x": 1.0 * step, "y": [0.5, -1.0 * step], "name": "base"}))
        sent.append(("/cmd", at + 30_000_000, {"speed": 10.0 * step}))
    return sent


@pytest.mark.parametrize("chunks", [True, False])
@pytest.mark.parametrize("backwards", [True, False])
def test_messages_are_sorted_by_time_whatever_their_order(
    tmp_path: Path, chunks: bool, backwards: bool
) -> None:
    sent = drive()[::-1] if backwards else drive()
    path = write_mcap(tmp_path / "a.mcap", sent, use_chunking=chunks, chunk_size=100)
    dataset = import_logs(path, "me/drive-v0", **COLUMNS, rate=10)
    found = load_transitions(dataset)
    assert isinstance(found.observations, np.ndarray)
    # From the first command (30 ms) on: the pose of each moment, and what was answered
    assert found.observations.tolist() == [[s, 0.5, -s] for s in range(4)]
    assert found.actions[:, 0].tolist() == [0.0, 10.0, 20.0, 30.0]
    assert np.asarray(load_endings(dataset).observations).tolist() == [[4.0, 0.5, -4.0]]
    assert found.observation_names[""] == ("/pose.x", "/pose.y[0]", "/pose.y[1]")


def test_an_action_is_what_was_answered_and_not_what_was_done_before(tmp_path: Path) -> None:
    """A command from before the first pose: the clock begins with the poses."""
    sent = [("/cmd", START - 10_000_000, {"speed": -1.0}), *drive()]
    found = read_logs(write_mcap(tmp_path / "a.mcap", sent), **COLUMNS, rate=10)
    (episode,) = found.episodes
    assert episode.observations[""][:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert episode.actions[:, 0].tolist() == [0.0, 10.0, 20.0, 30.0, 40.0]


def test_of_one_time_the_later_message_of_the_file_counts(tmp_path: Path) -> None:
    sent = [(t, at, dict(m)) for t, at, m in drive()]
    again = ("/pose", START + SECOND // 10, {"x": 77.0, "y": [0.5, 0.0], "name": "base"})
    path = write_mcap(tmp_path / "a.mcap", [*sent, again])
    for way in ("previous", "linear"):
        log = read_logs(path, **COLUMNS, rate=10, resampling=way)
        first = log.episodes[0].observations[""][:2, 0]
        expected = [0.0, 77.0] if way == "previous" else [0.3 * 77, 77 - 0.3 * (77 - 2)]
        np.testing.assert_allclose(first, expected, rtol=1e-9)


def test_the_last_message_takes_part(tmp_path: Path) -> None:
    """The reader's end is exclusive; nothing is cut off here."""
    sent: list[tuple[str, int, dict[str, Any]]] = [
        (topic, START + k * SECOND, {"v": float(k)}) for k in range(3) for topic in ("/o", "/a")
    ]
    log = read_logs(write_mcap(tmp_path / "a.mcap", sent), observations="/o.v", actions="/a.v")
    (episode,) = log.episodes
    assert episode.observations[""][:, 0].tolist() == [0.0, 1.0, 2.0]
    assert episode.times is not None and episode.times.tolist() == [0.0, 1.0, 2.0]


def test_times_are_subtracted_before_they_are_rounded() -> None:
    """As float64, these nanoseconds would be multiples of 256."""
    times = START + np.arange(5, dtype=np.int64) * 100
    stream = _Stream("here", times, {"v": np.arange(5.0)})
    between = times[:-1] + 25
    np.testing.assert_allclose(stream.on(between, "v", "linear"), np.arange(4) + 0.25, rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=30).map(sorted),
    st.lists(st.integers(0, 10**6), min_size=2, max_size=10, unique=True).map(sorted),
)
def test_previous_is_the_last_value_up_to_a_moment(times: list[int], moments: list[int]) -> None:
    stream = _Stream("here", np.asarray(times), {"v": np.arange(len(times))})
    clock = np.asarray([max(moment, times[0]) for moment in moments])
    expected = [max(i for i, t in enumerate(times) if t <= moment) for moment in clock]
    assert stream.on(clock, "v", "previous").tolist() == expected


def test_the_clock_is_that_of_the_slowest_topic_and_gaps_are_told(tmp_path: Path) -> None:
    sent = [("/o", START + k * SECOND // 50, {"v": k / 3}) for k in range(200)]
    sent += [("/a", START + k * SECOND // 10, {"v": k / 7}) for k in range(40) if not 10 < k < 25]
    log = read_logs(write_mcap(tmp_path / "a.mcap", sent), observations="/o.v", actions="/a.v")
    assert log.notes[0] == "resampled to 10 steps a second (previous)"
    assert any("/a is silent for up to 15 steps" in note for note in log.notes)
    assert log.steps == 39


def test_messages_of_ros_2_in_mcap_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "ros.mcap"
    with path.open("wb") as file:
        writer = Ros2Writer(file)
        schema = writer.register_msgdef("me/Pose", "float64 x\nfloat32[2] y\nstring name")
        command = writer.register_msgdef("me/Cmd", "float64 speed")
        for topic, time, message in drive():
            kind = schema if topic == "/pose" else command
            writer.write_message(topic, kind, message, log_time=time, publish_time=time)
        writer.finish()  # type: ignore[no-untyped-call]
    found = load_transitions(import_logs(path, "me/ros-v0", **COLUMNS, rate=10))
    assert isinstance(found.observations, np.ndarray)
    assert found.observations.tolist() == [[s, 0.5, -s] for s in range(4)]


def test_each_log_is_read_by_its_own_message_forms(tmp_path: Path) -> None:
    """Schemas have numbers from 1 in every file; one decoder for two files takes them for one."""
    logs = []
    for number, form in enumerate(("float64 x\nfloat64 speed", "float64 speed\nfloat64 x")):
        logs.append(tmp_path / f"{number}.mcap")
        with logs[-1].open("wb") as file:
            writer = Ros2Writer(file)
            schema = writer.register_msgdef("me/State", form)
            for step in range(4):
                message, time = (
                    {"x": float(step), "speed": 10.0 * step},
                    START + step * SECOND // 10,
                )
                writer.write_message("/state", schema, message, log_time=time, publish_time=time)
            writer.finish()  # type: ignore[no-untyped-call]
    dataset = import_logs(
        logs, "me/two-v0", observations="/state.x", actions="/state.speed", rate=10
    )
    found = load_transitions(dataset)
    assert isinstance(found.observations, np.ndarray)
    assert found.observations[:, 0].tolist() == [0.0, 1.0, 2.0] * 2
    assert found.actions[:, 0].tolist() == [0.0, 10.0, 20.0] * 2


def test_topics_of_other_encodings_are_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "mixed.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema("any", "jsonschema", b"{}")
        channels = {
            topic: writer.register_channel(topic, encoding, schema)
            for topic, encoding in (("/pose", "json"), ("/cmd", "json"), ("/odom", "ros1"))
        }
        for topic, time, message in [*drive(), ("/odom", START, {})]:
            writer.add_message(channels[topic], time, json.dumps(message).encode(), time)
        writer.finish()  # type: ignore[no-untyped-call]
    said = "topic /odom is left out: encoding 'ros1' is not known"
    assert said in read_logs(path, **COLUMNS, rate=10).notes
    with pytest.raises(ConfigError, match=f"It has /pose.x.*; {said}"):
        read_logs(path, observations="/odom.*", actions="/cmd.*")


def protobuf_types() -> dict[str, Any]:
    """Classes of messages: what is always there, and what may be left out."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="me.proto", package="me", syntax="proto3")
    point, pose, cmd = (file.message_type.add(name=name) for name in ("Point", "Pose", "Cmd"))
    for name, number in (("x", 1), ("y", 2)):
        point.field.add(name=name, number=number, type=field.TYPE_DOUBLE)
    pose.field.add(name="at", number=1, type=field.TYPE_MESSAGE, type_name=".me.Point")
    pose.field.add(name="joints", number=2, type=field.TYPE_FLOAT, label=field.LABEL_REPEATED)
    pose.field.add(name="name", number=3, type=field.TYPE_STRING)
    pose.field.add(name="gear", number=4, type=field.TYPE_INT64)
    entry = pose.nested_type.add(name="LimitsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=field.TYPE_INT32)
    entry.field.add(name="value", number=2, type=field.TYPE_DOUBLE)
    pose.field.add(
        name="limits",
        number=5,
        type=field.TYPE_MESSAGE,
        label=field.LABEL_REPEATED,
        type_name=".me.Pose.LimitsEntry",
    )
    pose.oneof_decl.add(name="_force")
    pose.field.add(
        name="force", number=6, type=field.TYPE_DOUBLE, oneof_index=0, proto3_optional=True
    )
    cmd.field.add(name="speed", number=1, type=field.TYPE_DOUBLE)
    return dict(message_factory.GetMessages([file]))


def write_protobuf(path: Path, forces: dict[int, float]) -> Path:
    """The drive; poses with a force at some steps."""
    types = protobuf_types()
    with path.open("wb") as file, ProtobufWriter(file) as writer:
        for number, (topic, time, content) in enumerate(drive()):
            message = types["me.Cmd"](speed=content.get("speed"))
            if topic == "/pose":
                at = types["me.Point"](x=content["x"], y=content["y"][1])
                message = types["me.Pose"](at=at, joints=content["y"], name="base", gear=2)
                message.limits[7], message.limits[-3] = 0.25, 0.75
                if number // 2 in forces:
                    message.force = forces[number // 2]
            writer.write_message(topic, message, log_time=time, publish_time=time)
    return path


def test_protocol_buffers_in_mcap_are_decoded(tmp_path: Path) -> None:
    path = write_protobuf(tmp_path / "a.mcap", {})
    found = load_transitions(import_logs(path, "me/buffers-v0", **COLUMNS, rate=10))
    assert found.observation_names[""] == (
        *("/pose.at.x", "/pose.at.y", "/pose.joints[0]", "/pose.joints[1]", "/pose.gear"),
        *("/pose.limits.-3", "/pose.limits.7"),
    )
    assert isinstance(found.observations, np.ndarray)
    expected = [[s, -s, 0.5, -s, 2, 0.75, 0.25] for s in range(4)]
    assert found.observations.tolist() == expected
    assert found.actions[:, 0].tolist() == [0.0, 10.0, 20.0, 30.0]


def test_a_field_that_is_not_set_in_a_message_is_not_read_as_0(tmp_path: Path) -> None:
    always = write_protobuf(tmp_path / "always.mcap", dict.fromkeys(range(6), 0.0))
    log = read_logs(always, observations="/pose.force", actions="/cmd.speed", rate=10)
    assert log.episodes[0].observations[""][:, 0].tolist() == [0.0] * 5
    sometimes = write_protobuf(tmp_path / "sometimes.mcap", {0: 1.0, 1: 1.0})
    with pytest.raises(DatasetError, match="message 2 differs in force"):
        read_logs(sometimes, **COLUMNS, rate=10)


@pytest.mark.parametrize("kind", ["ros1", "sqlite", "mcap"])
def test_ros_bags_of_every_kind(tmp_path: Path, kind: str) -> None:
    store = get_typestore(Stores.ROS1_NOETIC if kind == "ros1" else Stores.ROS2_HUMBLE)
    vector, number = store.types["geometry_msgs/msg/Point"], store.types["std_msgs/msg/Float64"]
    path = tmp_path / ("log.bag" if kind == "ros1" else "log")
    if kind == "ros1":
        opened: Any = Bag1(path)
    else:
        plugin = StoragePlugin.SQLITE3 if kind == "sqlite" else StoragePlugin.MCAP
        opened = Bag2(path, version=9, storage_plugin=plugin)
    with opened as bag:
        pose = bag.add_connection("/pose", vector.__msgtype__, typestore=store)
        cmd = bag.add_connection("/cmd", number.__msgtype__, typestore=store)
        pack = store.serialize_ros1 if kind == "ros1" else store.serialize_cdr
        for topic, time, message in drive():
            if topic == "/pose":
                content: Any = vector(x=message["x"], y=message["y"][0], z=message["y"][1])
            else:
                content = number(data=message["speed"])
            where = pose if topic == "/pose" else cmd
            bag.write(where, time, pack(content, content.__msgtype__))
    dataset = import_logs(path, "me/bag-v0", observations="/pose.*", actions="/cmd.data", rate=10)
    found = load_transitions(dataset)
    assert isinstance(found.observations, np.ndarray)
    assert found.observations.tolist() == [[s, 0.5, -s] for s in range(4)]
    assert found.actions[:, 0].tolist() == [0.0, 10.0, 20.0, 30.0]


def test_empty_and_damaged_recordings_are_refused(tmp_path: Path) -> None:
    with Bag2(tmp_path / "empty", version=9):  # whose duration is negative
        pass
    with pytest.raises(DatasetError, match="empty must hold messages, got none"):
        read_logs(tmp_path / "empty", **COLUMNS)
    path = write_mcap(tmp_path / "none.mcap", [])
    with pytest.raises(DatasetError, match="must hold messages that can be decoded, got none"):
        read_logs(path, **COLUMNS)
    path = write_mcap(tmp_path / "whole.mcap", drive())
    whole = path.read_bytes()
    content = bytearray(whole)
    content[len(content) // 4] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DatasetError, match="cannot be read as MCAP"):
        read_logs(path, **COLUMNS)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="it ends too early, as where a recorder lost power"):
        read_logs(path, **COLUMNS)


@pytest.mark.parametrize(
    ("sent", "options", "error", "message"),
    [
        (drive(), {}, ConfigError, "`observations` must name columns of a.mcap, but none"),
        (drive(), {"observations": "/odom.*"}, ConfigError, "It has /pose.x, /pose.y"),
        (drive()[:2], COLUMNS, ConfigError, "`rate` must be given, because no topic"),
        (drive()[:2], {**COLUMNS, "rate": 10}, DatasetError, "must overlap for at least a step"),
        (
            [*drive(), ("/pose", START + SECOND, {"x": 1.0, "y": [0.5], "name": "b"})],
            COLUMNS,
            DatasetError,
            r"messages of /pose must have the same numbers, but message 6 differs in y\[1\]",
        ),
        (drive(), {**COLUMNS, "resampling": "cubic"}, ConfigError, "previous or linear"),
    ],
)
def test_what_cannot_be_resampled_is_refused(
    tmp_path: Path, sent: Sent, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_logs(write_mcap(tmp_path / "a.mcap", sent), **options)
