"""LeRobot's datasets, as its own package wrote them, come in whole and unchanged."""

import io
import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from sb3_presa.annotation.clips.source import ClipRefusedError
from sb3_presa.annotation.clips.sources import make_source
from sb3_presa.annotation.clips.videos import CameraVideos
from sb3_presa.data import import_logs, load_outcomes, load_transitions, read_logs
from sb3_presa.data.formats.cameras import frame_times, read_cameras
from sb3_presa.errors import ConfigError, DatasetError

WRITTEN = Path(__file__).parent / "written"
VERSIONS = ("lerobot_v21", "lerobot_v30")
#: The same, with pictures in the tables.
IMAGES = ("lerobot_v21_images", "lerobot_v30_images")
LENGTHS = [7, 4, 9]


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))


@pytest.fixture(params=VERSIONS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(WRITTEN / request.param, tmp_path / request.param))


def test_states_actions_tasks_and_success_come_in(source: Path) -> None:
    dataset = import_logs(source, "me/cube-v0")
    found, random = load_transitions(dataset), np.random.default_rng(0)
    assert found.episode_lengths.tolist() == LENGTHS
    assert isinstance(found.observations, np.ndarray)
    for state, action in zip(found.observations, found.actions, strict=True):  # as in the script
        np.testing.assert_array_equal(state, random.normal(size=3).astype(np.float32))
        np.testing.assert_array_equal(action, random.uniform(-1, 1, 2).astype(np.float32))
    assert found.observation_names == {"": ("shoulder", "elbow", "gripper")}
    assert found.action_names == ("shoulder", "elbow")
    rewards = np.concatenate([np.arange(length) for length in LENGTHS])
    np.testing.assert_array_equal(load_outcomes(dataset, missing_costs="nan").rewards, rewards)
    facts = [dict(each) for each in dataset.storage.get_episode_metadata(range(3))]
    assert [each["task"] for each in facts] == ["lift the cube", "push the cube", "lift the cube"]
    assert [each["success"] for each in facts] == [True, False, False]
    assert dataset.storage.metadata["fps"] == 10


def test_bounds_are_those_of_the_data_and_not_of_the_statistics() -> None:
    """LeRobot's quantiles are means of the episodes' quantiles: 6 where half of the rewards are
    below 3."""
    stats = json.loads((WRITTEN / "lerobot_v30" / "meta" / "stats.json").read_text())
    log = read_logs(WRITTEN / "lerobot_v30")
    rewards = np.concatenate([episode.rewards for episode in log.episodes if len(episode.actions)])
    assert stats["next.reward"]["q99"][0] < np.quantile(rewards, 0.99) - 1
    acted = np.concatenate([episode.actions for episode in log.episodes])
    box: Any = log.require_sound().action
    np.testing.assert_array_equal([box.low, box.high], [acted.min(axis=0), acted.max(axis=0)])


def test_every_step_shows_its_own_frame(source: Path) -> None:
    """Frames are gray, 20 times their number; the lower half tells the episode."""
    dataset = import_logs(source, "me/cube-v0")
    shown, _ = make_source(dataset, "auto")
    assert isinstance(shown, CameraVideos) and shown.fps == 10
    for episode, length in enumerate(LENGTHS):
        start = 1
        steps = [0, 1, length - 1 - start]
        frames = list(shown.draw((episode, start, length - start), steps))
        upper = [float(frame[:20].mean()) for frame in frames]
        np.testing.assert_allclose(upper, [20 * (start + step) for step in steps], atol=3)
        lower = [float(frame[28:].mean()) for frame in frames]
        np.testing.assert_allclose(lower, 60 * episode, atol=3)


@pytest.mark.parametrize("version", IMAGES)
def test_pictures_in_the_tables_are_shown_as_they_are(version: str, tmp_path: Path) -> None:
    """No picture is encoded again: each has the very numbers that were written."""
    dataset = import_logs(WRITTEN / version, "me/cube-v0")
    shown, _ = make_source(dataset, "auto")
    assert isinstance(shown, CameraVideos) and shown.fps == 10
    for episode, length in enumerate(LENGTHS):
        frames = list(shown.draw((episode, 1, length - 1), [0, 1, length - 2]))
        for step, frame in zip((1, 2, length - 1), frames, strict=True):
            assert frame.shape == (48, 64, 3)
            assert (frame[:24] == 20 * step).all() and (frame[24:] == 60 * episode).all()
    described = "\n".join(read_logs(WRITTEN / version).describe())
    assert "camera: observation.images.top, 10 pictures a second" in described


def _with_pictures(source: Path, change: Callable[[list[bytes]], list[bytes | None]]) -> None:
    """Other pictures in the tables' place."""
    (file,) = source.glob("data/*/*.parquet")
    table = pyarrow.parquet.read_table(file)
    place = table.column_names.index("observation.images.top")
    kind = table.schema.field(place)
    contents = change([row["bytes"] for row in table[place].to_pylist()])
    rows = [{"bytes": content, "path": None} for content in contents]
    table = table.set_column(place, kind, pyarrow.array(rows, kind.type))
    pyarrow.parquet.write_table(table, file)


def _as_jpeg(content: bytes) -> bytes:
    written = io.BytesIO()
    Image.open(io.BytesIO(content)).save(written, "JPEG")
    return written.getvalue()


def test_jpegs_in_the_tables_are_shown_too(tmp_path: Path) -> None:
    source = shutil.copytree(WRITTEN / "lerobot_v30_images", tmp_path / "images")
    _with_pictures(source, lambda found: [_as_jpeg(content) for content in found])
    (frame,) = CameraVideos(import_logs(source, "me/cube-v0")).draw((2, 0, 6), [5])
    np.testing.assert_allclose([frame[:20].mean(), frame[28:].mean()], [100, 120], atol=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda found: [*found[:9], None, *found[10:]],
            "episode 1 must hold.* got nothing in row 2",
        ),
        (lambda found: [*found[:-1], _as_jpeg(found[-1])], "got JPEG in row 8 of the episode"),
        (lambda found: [b"GIF89a" for _ in found], "got something else in row 0"),
        (lambda found: [content[:12] for content in found], "must hold pictures, got"),
    ],
)
def test_a_picture_that_is_missing_or_of_another_kind_is_refused(
    change: Callable[[list[bytes]], list[bytes | None]], message: str, tmp_path: Path
) -> None:
    source = shutil.copytree(WRITTEN / "lerobot_v30_images", tmp_path / "images")
    _with_pictures(source, change)
    with pytest.raises(DatasetError, match=message):
        import_logs(source, "me/cube-v0")
    assert not (tmp_path / "minari" / "me").exists()
    without = import_logs(source, "me/cube-v0", cameras="")
    assert not (Path(without.storage.data_path) / "cameras").exists()


def test_several_cameras_are_in_step_side_by_side(tmp_path: Path) -> None:
    """The second one films at its own size, brighter, and begins later by its own clock."""
    source = shutil.copytree(WRITTEN / "lerobot_v21", tmp_path / "two")
    info = source / "meta" / "info.json"
    features = json.loads(info.read_text())["features"]
    features["observation.images.wrist"] = features["observation.images.top"]
    _rewrite(info, features=features)
    for file in sorted(source.glob("videos/*/*top/*.mp4")):
        other = Path(str(file).replace("images.top", "images.wrist"))
        other.parent.mkdir(exist_ok=True)
        _film(other, int(file.stem[-6:]))
    shown = CameraVideos(import_logs(source, "me/cube-v0"))
    for frame, step in zip(shown.draw((2, 1, 7), [0, 3, 7]), (1, 4, 8), strict=True):
        top, wrist = frame[:20, :60].mean(), frame[:20, 70:].mean()
        np.testing.assert_allclose([top, wrist], [20 * step, 25 * step], atol=4)
        assert frame.shape == (48, 64 + 48, 3)


def _film(file: Path, episode: int) -> None:
    """Gray, 25 times the number of the step, in 32 rows of 32."""
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for number in range(LENGTHS[episode]):
            picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 25 * number, np.uint8))
            picture.pts, picture.time_base = 7 + number, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def test_the_source_may_go_once_it_is_imported(source: Path) -> None:
    dataset = import_logs(source, "me/cube-v0")
    shutil.rmtree(source)
    (frame,) = CameraVideos(dataset).draw((2, 0, 3), [2])
    assert abs(float(frame[:20].mean()) - 40) < 3


def test_a_video_that_starts_later_is_shifted_by_its_own_offset(tmp_path: Path) -> None:
    """MP4 keeps the first time to a millisecond only; what is stored is the time it has."""
    source = shutil.copytree(WRITTEN / "lerobot_v21", tmp_path / "late")
    file = next(source.glob("videos/*/*/episode_000000.mp4"))
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=1000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(LENGTHS[0]):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * number, np.uint8))
            picture.pts, picture.time_base = 2503 + 1000 * number, Fraction(1, 10_000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    dataset = import_logs(source, "me/cube-v0")
    camera = read_cameras(Path(dataset.storage.data_path))["observation.images.top"]
    start = camera.episodes[0].start
    assert start == frame_times(camera.episodes[0].file)[0] and 0.24 < start < 0.26
    (frame,) = CameraVideos(dataset).draw((0, 0, 5), [4])
    assert abs(float(frame[:20].mean()) - 80) < 3


def test_a_camera_that_there_is_not_is_refused_with_those_that_there_are(source: Path) -> None:
    with pytest.raises(DatasetError, match=r"got '\*nosuch'\. Cameras: observation.images.top"):
        import_logs(source, "me/cube-v0", cameras=["*top", "*nosuch"])
    dataset = import_logs(source, "me/cube-v0", cameras="*top")
    assert list(read_cameras(Path(dataset.storage.data_path))) == ["observation.images.top"]


@pytest.mark.parametrize("rate", [0, None, -5, "10"])
def test_a_rate_that_is_none_is_refused(source: Path, rate: Any) -> None:
    """Unless no camera needs it."""
    _rewrite(source / "meta" / "info.json", fps=rate)
    with pytest.raises(DatasetError, match=f"`fps` must be a number above 0, got {rate!r}.*info"):
        import_logs(source, "me/cube-v0")
    assert len(import_logs(source, "me/cube-v0", cameras="")) > 0


def test_cameras_can_be_left_out(source: Path) -> None:
    dataset = import_logs(source, "me/cube-v0", cameras="")
    assert not (Path(dataset.storage.data_path) / "cameras").exists()
    with pytest.raises(ConfigError, match="must have videos of cameras beside its data, got none"):
        CameraVideos(dataset)


def _rewrite(path: Path, **changes: Any) -> None:
    info = json.loads(path.read_text())
    path.write_text(json.dumps(info | changes))


def test_what_does_not_fit_is_refused_and_nothing_is_left(source: Path, tmp_path: Path) -> None:
    info = source / "meta" / "info.json"
    with pytest.raises(DatasetError, match="must be the folder of a LeRobot dataset, got a file"):
        import_logs(info, "me/cube-v0", format="lerobot")
    for changes, message in (
        ({"codebase_version": "v1.6"}, "must be one of v2.1, v3.0, got v1.6"),
        ({"total_episodes": 5}, "must have the 5 episodes that meta/info.json declares"),
        ({"data_path": "../../{}.parquet"}, "cannot be read|must lie in"),
        ({"data_path": "data/none.parquet"}, "must exist, for episode 0, but is missing"),
    ):
        kept = info.read_text()
        _rewrite(info, **changes)
        with pytest.raises(DatasetError, match=message):
            import_logs(source, "me/cube-v0")
        info.write_text(kept)
    for video in source.glob("videos/**/*.mp4"):
        video.write_bytes(video.read_bytes()[:200])
    with pytest.raises(DatasetError, match="cannot be read as a video"):
        import_logs(source, "me/cube-v0")
    shutil.rmtree(source / "videos")  # as of a download of the numbers alone
    with pytest.raises(DatasetError, match=r"0, but is missing; or leave cameras out \(cameras=''"):
        import_logs(source, "me/cube-v0")
    data = sorted(source.glob("data/*/*.parquet"))[0]
    table = pyarrow.parquet.read_table(data)
    pyarrow.parquet.write_table(table.slice(1), data)
    with pytest.raises(DatasetError, match="episode 0 must have the 7 rows that meta/ declares"):
        import_logs(source, "me/cube-v0", cameras="")
    assert not (tmp_path / "minari" / "me").exists()


def test_a_frame_that_is_missing_is_not_replaced(source: Path) -> None:
    """The times of rows move on by half a second: no frame is near any more."""
    dataset = import_logs(source, "me/cube-v0")
    index = Path(dataset.storage.data_path) / "cameras" / "cameras.json"
    cameras = json.loads(index.read_text())
    cameras["observation.images.top"]["episodes"]["2"]["start"] += 5.0
    index.write_text(json.dumps(cameras))
    with pytest.raises(ClipRefusedError, match="no frame at"):
        list(CameraVideos(dataset).draw((2, 0, 3), [0]))
