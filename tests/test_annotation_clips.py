"""Clips show what was recorded, or are not shown; each frame is where the page looks for it."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest
import scripted_worker
from annotation_desk import wait_for
from hypothesis import given, settings
from hypothesis import strategies as st
from minari import MinariDataset
from PIL import Image
from toy_envs import PointEnv, env_id

from sb3_presa.annotation.clips import shelf as clip_shelf
from sb3_presa.annotation.clips import worker as clip_worker
from sb3_presa.annotation.clips.sheets import read_format, read_sheet, write_clip
from sb3_presa.annotation.clips.shelf import Clip, ClipShelf, Refusal, prune
from sb3_presa.annotation.clips.source import ClipRefusedError
from sb3_presa.annotation.clips.sources import Replay, agrees, fingerprint, make_source
from sb3_presa.annotation.clips.worker import Workshop
from sb3_presa.annotation.web.service import LabellingOptions, open_desk
from sb3_presa.data.episodes import load_transitions
from sb3_presa.errors import ConfigError, DatasetError, FileNotWrittenError, PresaError

Change = Callable[[h5py.File], None]


def change(dataset: MinariDataset, how: Change) -> MinariDataset:
    """The dataset with its file changed behind its back."""
    folder = Path(dataset.storage.data_path)
    with h5py.File(folder / "main_data.hdf5", "r+") as file:
        how(file)
    return MinariDataset(folder)


def forget_seeds(file: h5py.File) -> None:
    for episode in file.values():
        episode.attrs.pop("seed", None)


def forget_environment(dataset: MinariDataset) -> MinariDataset:
    """The dataset without its environment's spec."""
    dataset._env_spec = None
    return dataset


def first_pixels(path: Path) -> list[Any]:
    """The pixel in the middle of each frame, found as the page finds it."""
    layout = read_format(path)
    sheets = [Image.open(io.BytesIO(read_sheet(path, n))) for n in range(layout.sheets)]
    pixels = []
    for frame in range(layout.frames):
        row, column = divmod(frame % layout.per_sheet, layout.columns)
        x, y = column * layout.width, row * layout.height
        sheet = sheets[frame // layout.per_sheet]
        assert x + layout.width <= sheet.width
        assert y + layout.height <= sheet.height
        pixels.append(sheet.getpixel((x + layout.width // 2, y + layout.height // 2)))
    return pixels


@settings(max_examples=12)
@given(
    count=st.integers(1, 130),
    width=st.integers(1, 700),
    height=st.integers(1, 700),
)
def test_every_frame_is_where_the_page_looks(
    tmp_path_factory: pytest.TempPathFactory, count: int, width: int, height: int
) -> None:
    path = tmp_path_factory.mktemp("clip") / "x.clip"
    frames = (np.full((height, width, 3), 2 * n % 256, np.uint8) for n in range(count))
    write_clip(path, frames, count, stride=3, fps=10.0)
    layout = read_format(path)
    assert (layout.frames, layout.stride, layout.fps) == (count, 3, 10.0)
    assert count * layout.width * layout.height <= 13_000_000
    for frame, pixel in enumerate(first_pixels(path)):
        assert np.abs(np.asarray(pixel, int) - 2 * frame % 256).max() <= 3


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_picture_is_refused(tmp_path: Path, picture: Any) -> None:
    with pytest.raises(DatasetError, match="a frame must be uint8"):
        write_clip(tmp_path / "x.clip", iter([picture]), 1, 1, 10.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["box", "discrete", "multidiscrete", "dict", "image"])
def test_a_replay_draws_the_recorded_moments(
    make_dataset: Callable[[Any], MinariDataset], kind: Any
) -> None:
    dataset = make_dataset(kind)
    source, why = make_source(dataset, "auto")
    assert (source.name, source.fps, why) == ("replay", 10.0, "")
    env = gym.make(env_id(kind), render_mode="rgb_array")
    episode = next(iter(dataset.iterate_episodes([4])))
    env.reset(seed=4)
    expected = [env.render()]
    for action in episode.actions:
        env.step(action)
        expected.append(env.render())
    length = min(6, len(episode.actions) - 2)
    drawn = list(source.draw((4, 2, length), [0, 2, length]))
    for step, picture in zip([0, 2, length], drawn, strict=True):
        np.testing.assert_array_equal(picture, expected[2 + step])
    source.close()


def test_a_replay_that_differs_is_not_shown(box_dataset: MinariDataset) -> None:
    def move(file: h5py.File) -> None:
        file["episode_3/observations"][6] += 0.01
        file["episode_4/observations"][6] += 1e-6  # a rounding of another processor

    source = Replay(change(box_dataset, move))
    with pytest.raises(ClipRefusedError, match="differs from the recording at step 6"):
        list(source.draw((3, 2, 8), range(9)))
    assert len(list(source.draw((3, 0, 5), range(6)))) == 6  # before it differs
    assert len(list(source.draw((4, 2, 8), range(9)))) == 9


def test_another_seed_or_action_is_found_out(box_dataset: MinariDataset) -> None:
    def confuse(file: h5py.File) -> None:
        file["episode_3"].attrs["seed"] = 99
        file["episode_5/actions"][1] = -file["episode_5/actions"][1]
        forget = file["episode_6"]
        del forget.attrs["seed"]

    source = Replay(change(box_dataset, confuse))
    for episode, message in ((3, "step 0"), (5, "step 2"), (6, "no recorded seed")):
        with pytest.raises(ClipRefusedError, match=message):
            list(source.draw((episode, 0, 5), range(6)))


@pytest.mark.parametrize(
    ("replayed", "recorded", "same"),
    [
        ({"a": 1.0}, {"a": 1.0}, True),
        ({"a": 1.0}, {"a": 1.1}, False),
        ((1, [2.0]), (1, [2.0]), True),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), True),
        (np.array([np.nan]), np.array([0.0]), False),
        (np.array([1e6]), np.array([1e6 + 1]), True),
        (np.zeros((2, 1)), np.zeros(2), True),
        (np.zeros(3), np.zeros(2), False),
        (np.int64(3), np.int64(4), False),
    ],
)
def test_agreement(replayed: Any, recorded: Any, same: bool) -> None:
    assert agrees(replayed, recorded) is same


def test_pictures_among_the_observations_are_shown(image_dataset: MinariDataset) -> None:
    dataset = change(image_dataset, forget_seeds)
    source, why = make_source(dataset, "auto")
    assert source.name == "recorded frames"
    assert "the simulator cannot replay this dataset: episodes of" in why
    recorded = next(iter(dataset.iterate_episodes([2]))).observations
    [picture] = source.draw((2, 1, 4), [3])
    np.testing.assert_array_equal(picture, recorded[4])


@pytest.mark.parametrize(("kind", "pictures"), [("image", True), ("box", False)])
def test_the_page_says_why_there_are_no_pictures_where_there_are_none(
    kind: str, pictures: bool, make_dataset: Any, tmp_path: Path
) -> None:
    """Recorded frames are shown because the simulator cannot replay; that concerns the owner."""
    dataset = change(make_dataset(kind), forget_seeds)
    options = LabellingOptions(annotators=["ann"], segment_length=4, cache=tmp_path / "cache")
    with open_desk(dataset, "people", options) as (desk, way):
        assert "the simulator cannot replay this dataset" in way["why"]
        assert desk.plots["pictures"] is pictures
        assert desk.plots["why"] == ("" if pictures else way["why"])


def test_what_cannot_be_replayed_has_no_pictures_and_a_moment_a_step(
    box_dataset: MinariDataset, tmp_path: Path
) -> None:
    source, why = make_source(forget_environment(box_dataset), "auto")
    assert (source.name, source.fps) == ("plot", 30.0)
    assert "must name its environment" in why and "the observations contain no pictures" in why
    _, (path, layout) = clip_worker._draw(source, (2, 1, 9), tmp_path / "x.clip", max_frames=4)
    assert (layout.frames, layout.stride, layout.width, layout.sheets) == (10, 1, 0, 0)
    assert read_format(path) == layout


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("video", "must be one of auto, camera, replay, frames, plot"),
        ("frames", "must contain pictures"),
        ("no_such_module:draw", "no_such_module"),
        ("render_by_test:no_such_function", "no_such_function"),
    ],
)
def test_ways_that_there_are_not(box_dataset: MinariDataset, kind: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_source(box_dataset, kind)


def test_the_users_function_draws(box_dataset: MinariDataset) -> None:
    source, _ = make_source(box_dataset, "render_by_test:bars")
    assert source.fps == 12.0
    assert [picture[0, 0, 0] for picture in source.draw((2, 3, 5), [0, 2, 4])] == [3, 5, 7]
    source, _ = make_source(box_dataset, "render_by_test:too_few")
    with pytest.raises(ClipRefusedError, match="must return 6 pictures for 5 steps"):
        list(source.draw((2, 3, 5), [0]))
    assert fingerprint(box_dataset, source) != fingerprint(box_dataset, Replay(box_dataset))


@pytest.fixture
def make_shelf(tmp_path: Path) -> Iterator[Callable[..., ClipShelf]]:
    shelves: list[ClipShelf] = []

    def make(dataset: MinariDataset, kind: str, max_frames: int = 64) -> ClipShelf:
        data = load_transitions(dataset)
        hashes = dict(zip(data.episode_ids.tolist(), data.hash_episodes(), strict=True))
        folder = Path(dataset.storage.data_path)
        workshop = Workshop(folder, kind, tmp_path / "clips", max_frames, trust=True)
        shelves.append(ClipShelf(workshop, hashes, workers=1))
        return shelves[-1]

    yield make
    for shelf in shelves:
        shelf.close()


def test_a_process_makes_clips_once_and_refuses_what_differs(
    box_dataset: MinariDataset, make_shelf: Callable[..., ClipShelf], tmp_path: Path
) -> None:
    def move(file: h5py.File) -> None:
        file["episode_3/observations"][6] += 0.01

    dataset = change(box_dataset, move)
    shelf = make_shelf(dataset, "auto", max_frames=5)
    assert shelf.wait_ready()["name"] == "replay"
    good, bad = (2, 1, 8), (3, 1, 8)
    shelf.want([bad, good])
    wait_for(lambda: shelf.get(good), 60)
    clip, refusal = shelf.get(good), shelf.get(bad)
    assert isinstance(clip, Clip)
    assert isinstance(refusal, Refusal)
    assert "step 6" in refusal.reason
    # 9 moments in at most 5 frames: every second
    assert (clip.format.frames, clip.format.stride, clip.format.fps) == (5, 2, 5.0)
    assert clip.sheet(0)[:2] == b"\xff\xd8"
    shelf.close()

    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("clips/*/*.clip")}
    assert len(made) == 1
    again = make_shelf(dataset, "auto", max_frames=5)
    again.want([good])
    wait_for(lambda: again.get(good), 60)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("clips/*/*.clip")} == made


def test_a_folder_that_cannot_be_written_is_no_fault_of_clips(
    box_dataset: MinariDataset,
    make_shelf: Callable[..., ClipShelf],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refusals are for ever: after a full disk, its clips were never shown again."""
    monkeypatch.setattr(clip_shelf, "_ROOM_SECONDS", 0.1)
    (tmp_path / "clips").touch()  # where the folder is to be
    shelf, segment = make_shelf(box_dataset, "auto"), (2, 1, 8)
    shelf.want([segment])
    wait_for(lambda: shelf.failure, 60)
    assert str(shelf.failure).startswith("Clips cannot be stored: NotADirectoryError")
    assert str(tmp_path / "clips") in str(shelf.failure)
    assert shelf.get(segment) is None
    (tmp_path / "clips").unlink()
    wait_for(lambda: shelf.get(segment), 60)
    assert isinstance(shelf.get(segment), Clip)
    assert shelf.failure is None
    shutil.rmtree(tmp_path / "clips")  # as people empty caches
    assert shelf.get(segment) is None
    shelf.want([segment])
    wait_for(lambda: shelf.get(segment), 60)
    assert isinstance(shelf.get(segment), Clip)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotWrittenError("/cache/a/x.clip cannot be written: No space left"), "unwritten"),
        (PermissionError(13, "Permission denied", "/cache/a/x.clip"), "unwritten"),
        (OSError(30, "Read-only file system", "/cache"), "unwritten"),
        (OSError(5, "Input/output error", "/cache/a/.x.clip.0123.tmp"), "unwritten"),
        (FileNotFoundError(2, "No such file or directory", "/robot/mesh.obj"), "refused"),
        (OSError("no screen"), "refused"),
    ],
)
def test_who_is_to_blame_for_a_clip(
    error: Exception, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Path, "mkdir", fail)
    source: Any = None  # which is not asked
    assert clip_worker._draw(source, (1, 0, 5), Path("/cache/a/x.clip"), 64)[0] == kind


def test_a_drawing_that_kills_its_process_is_refused_and_the_others_go_on(
    box_dataset: MinariDataset, make_shelf: Callable[..., ClipShelf]
) -> None:
    shelf = make_shelf(box_dataset, "render_by_test:deadly")
    segments = [(1, 0, 5), (2, 0, 5)]
    shelf.want(segments)
    wait_for(lambda: all(shelf.get(segment) for segment in segments), 90)
    refusal = shelf.get((1, 0, 5))
    assert isinstance(refusal, Refusal)
    assert "ended or hung" in refusal.reason
    assert isinstance(shelf.get((2, 0, 5)), Clip)


SEGMENTS = [(1, 0, 5), (2, 0, 5)]


@pytest.fixture
def scripted_shelf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ClipShelf]]:
    """A shelf whose processes start and end as a script says, and that wants two clips."""
    shelves: list[ClipShelf] = []

    def make(starts: str, deaths: list[int], workers: int = 1) -> ClipShelf:
        cache = tmp_path / "clips"
        scripted_worker.prepare(cache, starts.split(), deaths)
        monkeypatch.setattr(clip_shelf, "prepare_drawing", scripted_worker.prepare_drawing)
        workshop = Workshop(tmp_path, "scripted", cache, max_frames=64)
        shelves.append(ClipShelf(workshop, {1: b"1", 2: b"2"}, workers))
        for _ in range(workers):  # or one starts where another was to be replaced
            shelves[-1].wait_ready()
        shelves[-1].want(SEGMENTS)
        return shelves[-1]

    yield make
    for shelf in shelves:
        shelf.close()


def test_a_process_that_does_not_start_at_once_is_started_again(
    scripted_shelf: Callable[..., ClipShelf],
) -> None:
    """And a clip that ends two processes is refused all the same."""
    shelf = scripted_shelf("ready ends ready failed ready", deaths=[1, 1])
    wait_for(lambda: all(shelf.get(segment) for segment in SEGMENTS), 90)
    assert shelf.get(SEGMENTS[0]) == Refusal("drawing it ended or hung the process that draws")
    assert isinstance(shelf.get(SEGMENTS[1]), Clip)
    assert shelf.failure is None


@pytest.mark.parametrize(
    ("start", "reason"), [("failed", "the disk is full"), ("ends", "it ended with exit code 1")]
)
def test_a_shelf_that_can_draw_no_more_says_so_and_refuses_no_clip(
    scripted_shelf: Callable[..., ClipShelf],
    caplog: pytest.LogCaptureFixture,
    start: str,
    reason: str,
) -> None:
    shelf = scripted_shelf(f"ready {start} {start}", deaths=[1])
    wait_for(lambda: shelf.failure, 90)
    assert reason in str(shelf.failure)
    assert reason in caplog.text  # whoever started the command sees it, too
    assert [shelf.get(segment) for segment in SEGMENTS] == [None, None]


def test_another_process_goes_on_where_one_cannot_be_replaced(
    scripted_shelf: Callable[..., ClipShelf], caplog: pytest.LogCaptureFixture
) -> None:
    shelf = scripted_shelf("ready ready failed failed", deaths=[1], workers=2)
    wait_for(lambda: all(shelf.get(segment) for segment in SEGMENTS), 90)
    wait_for(lambda: "the disk is full" in caplog.text, 90)
    assert all(isinstance(shelf.get(segment), Clip) for segment in SEGMENTS)
    assert shelf.failure is None


def test_a_dataset_that_cannot_be_drawn_as_wished(
    box_dataset: MinariDataset, make_shelf: Callable[..., ClipShelf]
) -> None:
    with pytest.raises(ConfigError, match="must contain pictures"):
        make_shelf(box_dataset, "frames").wait_ready()


def test_an_error_that_no_connection_carries_is_told_all_the_same(
    box_dataset: MinariDataset,
    make_shelf: Callable[..., ClipShelf],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "odd.py").write_text(
        "class OddError(Exception):\n"
        "    def __init__(self, one, other):\n"
        "        super().__init__(f'{one} and {other}')\n"
        "raise OddError('this', 'that')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PresaError, match="OddError: this and that"):
        make_shelf(box_dataset, "odd:draw").wait_ready()


def test_old_clips_make_room(tmp_path: Path) -> None:
    folder = tmp_path / "kind"
    folder.mkdir()
    for number in range(4):
        path = folder / f"{number}.clip"
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))
    prune(tmp_path, 250)
    assert sorted(path.name for path in folder.iterdir()) == ["2.clip", "3.clip"]
    prune(tmp_path / "nowhere", 0)


def test_an_environment_that_ends_early_is_found_out(
    box_dataset: MinariDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = PointEnv.step

    def end_at_once(self: PointEnv, action: Any) -> Any:
        observed, reward, _, truncated, info = step(self, action)
        return observed, reward, True, truncated, info

    source = Replay(box_dataset)
    monkeypatch.setattr(PointEnv, "step", end_at_once)
    with pytest.raises(ClipRefusedError, match="ends at step 1"):
        list(source.draw((2, 0, 5), range(6)))
