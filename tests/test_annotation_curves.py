"""Numbers of clips: which columns there are, what they are called, and that they are the data's."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logged import robot_episode, rows_of
from minari import MinariDataset

from sb3_presa.annotation.clips.columns import Column, choose, columns_of
from sb3_presa.annotation.clips.curves import Curves
from sb3_presa.annotation.clips.pictures import beside, is_picture, newest_picture
from sb3_presa.annotation.clips.plot import steps_per_second
from sb3_presa.annotation.clips.track import Track, guess_track, read_track
from sb3_presa.data import import_logs, load_transitions
from sb3_presa.errors import ConfigError

NAMES = ("x", "y", "speed", "gap", "obstacle0_x", "obstacle0_y", "obstacle1_x", "obstacle1_y")


def columns(*names: str, part: Any = "observation", unit: str = "m") -> list[Column]:
    return [Column(part, "", place, name, unit, False) for place, name in enumerate(names)]


@pytest.fixture
def robot(minari_root: object) -> MinariDataset:
    """Three observations with units, and two actions, ten times a second."""
    table = pa.table(rows_of(robot_episode(30)))
    return import_logs(table, "me/robot-v0", observations="x,y,speed", actions="steering,throttle")


def test_columns_have_names_units_and_kinds(
    make_dataset: Callable[[Any], MinariDataset],
) -> None:
    found = {kind: columns_of(make_dataset(kind)) for kind in ("dict", "discrete", "image")}
    said = [(each.name, each.whole) for each in found["dict"]]
    assert said[:3] == [("where 0", False), ("where 1", False), ("zone", True)]
    assert [(each.name, each.whole) for each in found["discrete"]][-1] == ("action", True)
    assert {each.part for each in found["image"]} == {"action"}  # a picture is no curve


def test_a_pattern_means_names_units_and_parts() -> None:
    all_columns = [*columns(*NAMES), *columns("speed", "brake", part="action", unit="")]

    def named(wanted: str) -> list[int]:
        return list(choose(all_columns, wanted, "curves", "dataset 'x'"))

    assert named("gap, *obstacle*") == [3, 4, 5, 6, 7]  # in the owner's order
    assert named("speed") == [2, 8]
    assert named("action.*,observation.speed,speed") == [8, 9, 2]
    assert named("gap [m]") == [3]
    with pytest.raises(ConfigError) as refusal:
        named("speed,wheel*")
    assert str(refusal.value) == (
        "`curves` must name columns of dataset 'x', got 'wheel*'. Columns: " + ", ".join(NAMES)
        + ", brake"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("names", "track"),
    [
        (("speed", "x", "y"), (1, 2)),
        (("ego_x", "ego_y"), (0, 1)),
        (("obstacle_x", "obstacle_y", "egoPosX", "egoPosY"), (2, 3)),
        (("/odom.pose.pose.position.x", "/odom.pose.pose.position.y"), (0, 1)),
        (("north", "east"), (1, 0)),
        (("vx", "vy"), None),
        (("goal_x", "goal_y"), None),
        (("x", "z"), None),
    ],
)
def test_a_position_is_told_by_names(names: tuple[str, ...], track: Any) -> None:
    found = guess_track(columns(*names))
    assert found == (None if track is None else Track(track))


def test_a_position_has_one_unit_and_is_observed() -> None:
    x, y = columns("x", "y")
    assert guess_track([x, Column("observation", "", 1, "y", "deg", False)]) is None
    assert guess_track(columns("x", "y", part="action")) is None
    assert guess_track([x, y]) == Track((0, 1))


def test_a_position_is_given_with_obstacles() -> None:
    found = read_track(columns(*NAMES), ["x,y", "obstacle*_x,obstacle*_y"], "dataset 'x'")
    assert found == Track((0, 1), ((4, 5), (6, 7)))
    for wrong in ("x", "x,obstacle*_y", "x,y,gap"):
        with pytest.raises(ConfigError, match=r"`track` must be two columns such as x,y, got"):
            read_track(columns(*NAMES), [wrong], "dataset 'x'")
    with pytest.raises(ConfigError, match="`track` must name columns of dataset 'x', got 'z'"):
        read_track(columns(*NAMES), ["x,z"], "dataset 'x'")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_numbers_are_those_of_the_data(box_dataset_once: Any, data: st.DataObject) -> None:
    dataset, curves = box_dataset_once
    episode = data.draw(st.sampled_from([int(each) for each in dataset.episode_indices]))
    recorded = next(iter(dataset.iterate_episodes([episode])))
    steps = len(recorded.actions)
    start = data.draw(st.integers(0, steps - 1))
    length = data.draw(st.integers(1, steps - start))
    found = curves.of((episode, start, length), [0, 2, 4])
    seen = recorded.observations[start : start + length + 1]  # the last one of an episode too
    np.testing.assert_allclose(found[0], seen[:, 0], atol=1e-3)
    np.testing.assert_allclose(found[2], seen[:, 2], atol=1e-3)
    np.testing.assert_allclose(found[4], recorded.actions[start : start + length, 1], atol=1e-3)


@pytest.fixture
def box_dataset_once(box_dataset: MinariDataset) -> tuple[MinariDataset, Curves]:
    return box_dataset, Curves(box_dataset, load_transitions(box_dataset))


def test_numbers_of_a_dict_to_the_end_of_an_episode(dict_dataset: MinariDataset) -> None:
    curves = Curves(dict_dataset, load_transitions(dict_dataset))
    recorded = next(iter(dict_dataset.iterate_episodes([4])))
    steps = len(recorded.actions)
    found = curves.of((4, 2, steps - 2), range(len(curves.columns)))
    where, zone = recorded.observations["where"][2:], recorded.observations["zone"][2:]
    for place, expected in ((0, where[:, 0]), (1, where[:, 1]), (2, zone.reshape(-1))):
        np.testing.assert_allclose(found[place], expected, atol=1e-3)


def test_places_on_a_map_keep_their_decimetres(minari_root: object) -> None:
    """Float32 has half metres there; the clip is of a walk of three metres."""
    x = 5_800_000.0 + np.linspace(0, 3, 31)
    logged = {"x": x, "y": np.zeros(31), "steering": np.linspace(-1, 1, 31)}
    dataset = import_logs(pa.table(logged), "me/map-v0", observations="x,y", actions="steering")
    curves = Curves(dataset, load_transitions(dataset))
    found = curves.of((int(dataset.episode_indices[0]), 10, 10), [0])[0]
    np.testing.assert_allclose(found, x[10:21], atol=0.01)


def test_an_outlier_does_not_flatten_the_axes(minari_root: object) -> None:
    speed = np.tile(np.linspace(0, 10, 100), 30)
    speed[5] = 1e6
    logged = {"speed": speed, "steering": np.linspace(-1, 1, 3000)}
    dataset = import_logs(pa.table(logged), "me/x-v0", observations="speed", actions="steering")
    assert Curves(dataset, load_transitions(dataset)).ranges[0][1] <= 10


def test_what_is_shown_at_first(robot: MinariDataset) -> None:
    data = load_transitions(robot)
    plain = Curves(robot, data)
    assert [(each.name, each.unit, each.part) for each in plain.columns] == [
        ("x", "m", "observation"), ("y", "m", "observation"), ("speed", "m/s", "observation"),
        ("steering", "", "action"), ("throttle", "", "action"),
    ]  # fmt: skip
    alone, filmed = plain.describe(False, "no videos"), plain.describe(True, "")
    assert (alone["shown"], alone["track_shown"], alone["why"]) == (
        [0, 1, 2, 3, 4],
        True,
        "no videos",
    )
    assert (filmed["shown"], filmed["track_shown"]) == ([], False)
    assert alone["track"] == {"machine": (0, 1), "obstacles": ()}
    chosen = Curves(robot, data, curves="action.t*", track=["y,x"]).describe(True, "")
    assert (chosen["shown"], chosen["track_shown"]) == ([4], True)
    assert chosen["version"] != filmed["version"]
    assert Curves(robot, data, track=[""]).describe(False, "")["track"] is None
    assert Curves(robot, data, curves="").describe(False, "")["columns"] == []
    with pytest.raises(ConfigError, match="`track` must be left out where `curves` is empty"):
        Curves(robot, data, curves="", track=["x,y"])


def test_many_columns_leave_room_for_actions_and_put_the_still_ones_last(
    minari_root: object,
) -> None:
    random = np.random.default_rng(0)
    logged = {f"s{n}": random.normal(size=40) for n in range(12)} | {"s1": np.full(40, 2.0)}
    logged |= {f"a{n}": random.uniform(-1, 1, 40) for n in range(6)}
    dataset = import_logs(pa.table(logged), "me/x-v0", observations="s*", actions="a*")
    curves = Curves(dataset, load_transitions(dataset))
    shown = [curves.columns[place].name for place in curves.shown]
    assert shown == ["s0", "s2", "s3", "s4", "s5", "a0", "a1", "a2"]


def test_the_rate_of_the_recording(robot: MinariDataset, box_dataset: MinariDataset) -> None:
    assert steps_per_second(robot) == pytest.approx(10.0)  # by its times
    assert steps_per_second(box_dataset) == 30.0
    robot.storage.update_metadata({"fps": 25})
    assert steps_per_second(MinariDataset(robot.storage.data_path)) == 25.0


@pytest.mark.parametrize(
    ("shape", "dtype", "picture"),
    [
        ((84, 84, 3), np.uint8, True),
        ((4, 84, 84), np.uint8, True),
        ((84, 84), np.uint8, True),
        ((84, 84, 3), np.float32, False),
        ((84, 84, 40), np.uint8, False),
        ((4, 4), np.uint8, False),
        ((84,), np.uint8, False),
    ],
)
def test_which_observations_are_pictures(shape: Any, dtype: Any, picture: bool) -> None:
    assert is_picture(gym.spaces.Box(0, 255, shape, dtype)) is picture


def test_of_stacked_frames_the_newest_is_shown() -> None:
    random = np.random.default_rng(0)
    stack: npt.NDArray[np.uint8] = random.integers(0, 256, (20, 24, 12), np.uint8)
    gray = stack[:, :, :4]
    np.testing.assert_array_equal(newest_picture(gray), gray[:, :, 3])
    np.testing.assert_array_equal(newest_picture(gray.transpose(2, 0, 1)), gray[:, :, 3])
    np.testing.assert_array_equal(newest_picture(stack), stack[:, :, 9:])
    clear = np.dstack([stack[:, :, :3], np.full((20, 24), 255, np.uint8)])
    np.testing.assert_array_equal(newest_picture(clear), stack[:, :, :3])
    np.testing.assert_array_equal(newest_picture(stack[:, :, 0]), stack[:, :, 0])


def test_several_pictures_are_beside_each_other_in_rows_of_two() -> None:
    def plain(height: int, width: int, level: int) -> npt.NDArray[np.uint8]:
        return np.full((height, width, 3), level, np.uint8)

    assert beside([plain(10, 20, 1)]).shape == (10, 20, 3)
    two = beside([plain(10, 20, 50), plain(20, 20, 90)])  # scaled to one height
    assert two.shape == (10, 30, 3)
    assert (two[:, :20] == 50).all() and (two[:, 20:] == 90).all()
    three = beside([plain(10, 20, 50), np.full((10, 20), 90, np.uint8), plain(10, 20, 130)])
    assert three.shape == (20, 40, 3)
    assert (three[10:, :20] == 130).all() and (three[10:, 20:] == 0).all()
