#!/usr/bin/env bash
# An MCAP decoder factory that is used for two files reads the second by the message form of the first.
#
# Versions: mcap 1.6.0, mcap-ros2-support 0.6.0, mcap-protobuf-support 0.6.0, protobuf 6.33.5.
# One would guess: the schema in each file decides, as the factory is handed it for every channel.
# What happens: the factory keeps what it made by the number of the schema. Numbers start at 1 in every file, so the
#   second file's schema 1 is taken for the first file's. The docstring does not say that a factory is for one file.
# Seen: in the old log a step is speed, cost; in the new one cost, speed, crashed. A step with speed 12, cost 0 and a
#   crash is read as cost 12, speed 0 and without `crashed`, of ROS 2 messages and of protocol buffers alike. Read
#   after the new log, the old one is exchanged in protocol buffers. In ROS 2 it is an error, as it is too short.
# Why it matters: a loop over logs makes the factory once, before the loop. After an update of the robot its costs are
#   speeds, and crashes are gone; the order of the files decides which logs are right.
# Way round: a new `DecoderFactory()` for every file.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mcap==1.6.0 mcap-ros2-support==0.6.0 mcap-protobuf-support==0.6.0 protobuf==6.33.5
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import io

import mcap_protobuf.decoder
import mcap_protobuf.writer
import mcap_ros2.decoder
import mcap_ros2.writer
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from mcap.reader import make_reader

print({name: version(name) for name in ("mcap", "mcap-ros2-support", "mcap-protobuf-support", "protobuf")})
OLD = {"speed": 12.0, "cost": 0.0}
NEW = {"cost": 0.0, "speed": 12.0, "crashed": True}
TYPES = {float: ("float64", 1), bool: ("bool", 8)}  # numbers of protocol buffers: double, bool


def ros2(step):
    stream = io.BytesIO()
    writer = mcap_ros2.writer.Writer(stream)
    form = "\n".join(f"{TYPES[type(value)][0]} {name}" for name, value in step.items())
    writer.write_message("/step", writer.register_msgdef("car/msg/Step", form), step, log_time=1, publish_time=1)
    writer.finish()
    return stream


def protobuf(step):
    file = descriptor_pb2.FileDescriptorProto(name="step.proto", package="car", syntax="proto3")
    form = file.message_type.add(name="Step")
    for number, (name, value) in enumerate(step.items(), start=1):
        form.field.add(name=name, number=number, type=TYPES[type(value)][1], label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName("car.Step"))(**step)
    stream = io.BytesIO()
    with mcap_protobuf.writer.Writer(stream) as writer:
        writer.write_message("/step", message, log_time=1, publish_time=1)
    return stream


def read(streams, factories):
    """Cost, speed and crash of the only step of each log."""
    rows = []
    for stream, factory in zip(streams, factories):
        stream.seek(0)
        for _, _, _, step in make_reader(stream, decoder_factories=[factory]).iter_decoded_messages():
            rows.append((step.cost, step.speed, getattr(step, "crashed", None)))
    return rows


for name, write, make in (("ROS 2", ros2, mcap_ros2.decoder.DecoderFactory),
                          ("protobuf", protobuf, mcap_protobuf.decoder.DecoderFactory)):
    logs = [write(OLD), write(NEW)]
    one = read(logs, [make()] * 2)
    each = read(logs, [make(), make()])
    print(name, "one factory", one, "one for each", each)
    assert each == [(0.0, 12.0, None), (0.0, 12.0, True)], "the way round fails"
    assert one == [(0.0, 12.0, None), (12.0, 0.0, None)], "a factory reads two files now"

backwards = read([protobuf(NEW), protobuf(OLD)], [mcap_protobuf.decoder.DecoderFactory()] * 2)
print("protobuf, new log first", backwards)
assert backwards[0] == (0.0, 12.0, True) and backwards[1][:2] == (12.0, 0.0), "the old log is read otherwise"
PY
