"""Clips without pictures: the page draws curves alone."""

from collections.abc import Iterator, Sequence

import numpy as np
from minari import MinariDataset

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.sheets import Frame
from sb3_presa.data.datasets import read_episode

DEFAULT_FPS = 30.0


class CurvesAlone:
    """For data without pictures: nothing is drawn here, and there is a moment for every step.

    :param dataset: the open dataset.
    """

    name = "plot"

    def __init__(self, dataset: MinariDataset) -> None:
        self.fps = steps_per_second(dataset)

    def draw(self, segment: Segment, steps: Sequence[int]) -> Iterator[Frame]:
        return iter(())

    def close(self) -> None:
        pass


def steps_per_second(dataset: MinariDataset) -> float:
    """The rate of the recording, by the metadata (``fps``) or the times of the first episode.

    :param dataset: an open dataset.
    :return: steps a second; 30 where nothing tells.
    """
    declared = dataset.storage.metadata.get("fps")
    if isinstance(declared, int | float) and 0 < declared < float("inf"):
        return float(declared)
    infos = read_episode(dataset, int(dataset.episode_indices[0])).infos
    times = np.asarray(infos.get("timestamp", ()), np.float64).reshape(-1)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    return 1.0 / step if step > 0 else DEFAULT_FPS
