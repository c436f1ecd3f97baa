"""Utilities of segments under saved PRESA models; the only part of a strategy that needs torch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError


def segment_utilities(
    paths: Sequence[str], transitions: Transitions, segments: Sequence[Segment]
) -> npt.NDArray[np.float64]:
    """The scaled utility of each segment under each model; P(first) is the sigmoid of a difference.

    It is the utility of the model's preference loss, clipped in the same way.

    :param paths: saved PRESA models.
    :param transitions: the dataset's steps.
    :param segments: segments of the dataset.
    :return: ``(S, models)``.
    :raises ConfigError: if a file is not a saved PRESA model.
    :raises DatasetError: if a model's spaces differ from the dataset's.
    """
    from sb3_presa.algorithms.presa import PRESA

    found = []
    for path in paths:
        try:
            model = PRESA.load(path)
        except OSError:
            raise
        except Exception as error:  # SB3 passes on any error of its parsers
            raise ConfigError(f"{path} is not a saved PRESA model: {error}") from error
        found.append(model.preference_utility(transitions, segments))
    return np.stack(found, axis=1)
