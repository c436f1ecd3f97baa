"""Functions that draw segments for the tests of clips, as a user would register them."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def bars(episode: Any, start: int, length: int) -> Sequence[npt.NDArray[np.uint8]]:
    """A picture for each moment whose first pixel tells the moment."""
    pictures = np.zeros((length + 1, 30, 40, 3), np.uint8)
    pictures[:, :, :, 0] = (start + np.arange(length + 1))[:, None, None]
    return list(pictures)


def too_few(episode: Any, start: int, length: int) -> Sequence[npt.NDArray[np.uint8]]:
    return bars(episode, start, length)[1:]


def deadly(episode: Any, start: int, length: int) -> Sequence[npt.NDArray[np.uint8]]:
    """Takes the process with it, for some episodes."""
    if episode.id % 2:
        os._exit(1)
    return bars(episode, start, length)


bars.fps = 12.0  # type: ignore[attr-defined]
