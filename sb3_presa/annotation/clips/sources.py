"""Clip sources: videos of cameras, replay, recorded pictures, curves alone, a user's function."""

import hashlib
import importlib
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from minari import MinariDataset

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.pictures import beside, is_picture, newest_picture
from sb3_presa.annotation.clips.plot import DEFAULT_FPS, CurvesAlone, steps_per_second
from sb3_presa.annotation.clips.sheets import Frame
from sb3_presa.annotation.clips.source import (
    ClipRefusedError,
    ClipSource,
    RenderSegment,
)
from sb3_presa.annotation.clips.videos import CameraVideos
from sb3_presa.data.datasets import read_episode
from sb3_presa.data.environments import recover_environment
from sb3_presa.data.formats.cameras import read_cameras
from sb3_presa.data.resets import reset_arguments
from sb3_presa.data.stored import space_parts
from sb3_presa.errors import ConfigError, DatasetError

#: Largest difference of a replayed number from the recorded one, relative to ``max(1,
#: |recorded|)``: smaller than visible, larger than another processor's rounding in an episode.
TOLERANCE = 1e-3
#: Why a way does not work, for people who know the data and not this package.
_WHY_NOT = {
    "camera": "the videos cannot be shown: {}",
    "replay": "the simulator cannot replay this dataset: {}",
    "frames": "the observations contain no pictures",
}
#: Number of episodes that are tried before replay is given up.
_PROBES = 3


def make_source(
    dataset: MinariDataset, kind: str, *, trust: bool = False
) -> tuple[ClipSource, str]:
    """The clip source of a dataset.

    :param dataset: the open dataset.
    :param kind: ``"camera"``, ``"replay"``, ``"frames"``, ``"plot"``, ``"auto"`` (the first of
        these that works), or ``"module:function"``, a :data:`RenderSegment`.
    :param trust: whether to replay in any environment that the dataset names. If not, it must be
        registered here.
    :return: the source, and why earlier ones do not work, for the owner of the data.
    :raises ConfigError: if ``kind`` is unknown, or does not work on this dataset.
    """
    if ":" in kind:
        return UserFunction(dataset, kind), ""
    makers: dict[str, Callable[[MinariDataset], ClipSource]] = {
        "camera": CameraVideos,
        "replay": partial(_replay_that_works, trust=trust),
        "frames": RecordedFrames,
        "plot": CurvesAlone,
    }
    if kind not in (*makers, "auto"):
        raise ConfigError(
            f"`clips` must be one of auto, {', '.join(makers)}, or module:function, got {kind!r}"
        )
    reasons: list[str] = []
    if kind == "auto" and not read_cameras(Path(dataset.storage.data_path)):
        del makers["camera"]
    for name in list(makers) if kind == "auto" else [kind]:
        try:
            return makers[name](dataset), "; ".join(reasons)
        except ConfigError as error:
            if kind != "auto":
                raise
            reasons.append(_WHY_NOT[name].format(error))
    raise AssertionError("plots work on every dataset")


class Replay:
    """Replays an episode from its seed and its actions, and compares the observations.

    :param dataset: the open dataset, with an environment and a seed for each episode.
    :param trust: whether to make any environment that the dataset names.
    :raises ConfigError: if the environment is missing, is not registered here, or cannot be made or
        rendered.
    """

    name = "replay"

    def __init__(self, dataset: MinariDataset, trust: bool = False) -> None:
        if dataset.env_spec is None:
            raise ConfigError(
                f"dataset '{dataset.id}' must name its environment (env_spec) to be replayed, got "
                "None"
            )
        self._dataset = dataset
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._env = recover_environment(
                    dataset, trust=trust, render_mode="rgb_array", disable_env_checker=True
                )
        except DatasetError as error:
            raise ConfigError(str(error)) from error
        except Exception as error:  # a simulator may raise anything
            raise ConfigError(
                f"the environment {dataset.env_spec.id} cannot be made with rendering: {error}"
            ) from error
        self.fps = float(self._env.metadata.get("render_fps") or DEFAULT_FPS)

    def draw(self, segment: Segment, steps: Sequence[int]) -> Iterator[Frame]:
        episode_id, start, length = segment
        wanted = set(steps)
        for moment in self._play(episode_id, start + length):
            if moment - start in wanted:
                yield self._picture()

    def _picture(self) -> Frame:
        picture: Any = self._env.render()
        if isinstance(picture, list) and picture:
            picture = picture[-1]
        if not isinstance(picture, np.ndarray):
            raise ClipRefusedError(
                f"render() of the environment must return an array, got {type(picture).__name__}"
            )
        return picture

    def _play(self, episode_id: int, end: int) -> Iterator[int]:
        """Step through an episode; yields the number of steps so far, from 0 to ``end``."""
        metadata = next(iter(self._dataset.storage.get_episode_metadata([episode_id])))
        reset = reset_arguments(metadata)
        if reset["seed"] is None:
            raise ClipRefusedError("the episode has no recorded seed")
        episode = read_episode(self._dataset, episode_id)
        actions = _rows(episode.actions, self._dataset.action_space)
        observations = _rows(episode.observations, self._dataset.observation_space)
        observed, _ = self._env.reset(**reset)
        for step in range(end + 1):
            if not agrees(observed, observations(step)):
                raise ClipRefusedError(f"the replay differs from the recording at step {step}")
            yield step
            if step < end:
                observed, _, terminated, truncated, _ = self._env.step(actions(step))
                if (terminated or truncated) and step + 1 < end:
                    raise ClipRefusedError(
                        f"the replay must reach step {end}, but it ends at step {step + 1}"
                    )

    def close(self) -> None:
        self._env.close()


def _replay_that_works(dataset: MinariDataset, trust: bool) -> Replay:
    """A replay that agrees with the recording on at least one of a few episodes."""
    replay = Replay(dataset, trust)
    indices = dataset.episode_indices
    reasons: list[str] = []
    for episode in indices[:: max(1, len(indices) // _PROBES)][:_PROBES].tolist():
        length = int(next(iter(dataset.storage.get_episode_metadata([episode])))["total_steps"])
        try:
            list(replay.draw((episode, 0, length), [length]))
            return replay
        except Exception as error:  # of the simulator, or a ClipRefusedError
            reasons.append(f"episode {episode}: {error}")
    replay.close()
    raise ConfigError(
        f"episodes of dataset '{dataset.id}' must replay as they were recorded, but none of "
        f"{len(reasons)} does ({'; '.join(reasons)})"
    )


class RecordedFrames:
    """Shows the pictures in the observations, those of several keys side by side.

    :param dataset: the open dataset; its observations are pictures, or a Dict with pictures.
    :raises ConfigError: if the observations have no pictures.
    """

    name = "recorded frames"

    def __init__(self, dataset: MinariDataset) -> None:
        self._dataset = dataset
        parts = space_parts(dataset.observation_space)
        self._keys = [key for key, part in parts.items() if is_picture(part)]
        if not self._keys:
            raise ConfigError(
                f"the observations of dataset '{dataset.id}' must contain pictures (uint8 of shape "
                f"(height, width, 3)), got {dataset.observation_space}"
            )
        self.fps = steps_per_second(dataset)

    def draw(self, segment: Segment, steps: Sequence[int]) -> Iterator[Frame]:
        episode_id, start, _ = segment
        observations: Any = read_episode(self._dataset, episode_id).observations
        views = [observations[key] if key else observations for key in self._keys]
        for step in steps:
            yield beside([newest_picture(np.asarray(view[start + step])) for view in views])

    def close(self) -> None:
        pass


class UserFunction:
    """Calls a user's function.

    :param dataset: the open dataset.
    :param target: ``"module:function"``.
    :raises ConfigError: if the function cannot be imported.
    """

    def __init__(self, dataset: MinariDataset, target: str) -> None:
        self._dataset, self.name, self.fps = dataset, target, DEFAULT_FPS
        module, _, function = target.partition(":")
        try:
            self._function: RenderSegment = getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f"`clips` must be module:function, but {target!r} cannot be imported: {error}"
            ) from error
        self.fps = float(getattr(self._function, "fps", DEFAULT_FPS))

    def draw(self, segment: Segment, steps: Sequence[int]) -> Iterator[Frame]:
        episode_id, start, length = segment
        pictures = self._function(read_episode(self._dataset, episode_id), start, length)
        if len(pictures) != length + 1:
            raise ClipRefusedError(
                f"{self.name} must return {length + 1} pictures for {length} steps (the first one "
                f"before the first action), got {len(pictures)}"
            )
        for step in steps:
            yield np.asarray(pictures[step])

    def close(self) -> None:
        pass


def fingerprint(dataset: MinariDataset, source: ClipSource) -> str:
    """Identifies a dataset and a method of drawing it.

    :return: a name that can be part of a file name.
    """
    spec = dataset.env_spec.to_json() if dataset.env_spec is not None else ""
    text = json.dumps([dataset.id, source.name, spec])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def agrees(replayed: Any, recorded: Any) -> bool:
    """Whether a replayed observation equals the recorded one within :data:`TOLERANCE`.

    :param replayed: the replayed observation.
    :param recorded: the recorded one, in the same structure.
    """
    if isinstance(recorded, dict):
        return all(agrees(replayed[key], recorded[key]) for key in recorded)
    if isinstance(recorded, tuple):
        return all(agrees(*pair) for pair in zip(replayed, recorded, strict=True))
    left, right = np.asarray(replayed, np.float64), np.asarray(recorded, np.float64)
    if left.shape != right.shape:
        return left.size == right.size and agrees(left.reshape(-1), right.reshape(-1))
    with np.errstate(invalid="ignore"):
        near = np.abs(left - right) <= TOLERANCE * np.maximum(1.0, np.abs(right))
    return bool(np.all(near | (left == right) | (np.isnan(left) & np.isnan(right))))


def _rows(values: Any, space: gym.Space[Any]) -> Callable[[int], Any]:
    """A function from a step to its value, in the structure of the space."""
    if isinstance(space, gym.spaces.Dict):
        parts = {key: _rows(values[key], part) for key, part in space.spaces.items()}
        return lambda step: {key: part(step) for key, part in parts.items()}
    if isinstance(space, gym.spaces.Tuple):
        several = [_rows(*pair) for pair in zip(values, space.spaces, strict=True)]
        return lambda step: tuple(part(step) for part in several)
    return lambda step: values[step]
