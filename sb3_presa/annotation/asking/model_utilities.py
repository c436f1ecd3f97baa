"""What saved PRESA models make of segments: the only way to choose a question that needs torch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError


def segment_utilities(
    paths: Sequence[str], transitions: Transitions, segments: Sequence[Segment]
) -> npt.NDArray[np.float64]:
    """The scaled utility of each segment to each model: P(first) is the sigmoid of a difference.

    It is the one of the model's preference loss, clipped as there.

    :param paths: models that PRESA saved.
    :param transitions: the dataset's steps.
    :param segments: of the dataset.
    :return: ``(S, models)``.
    :raises ConfigError: for a file that is no saved PRESA model.
    :raises DatasetError: for a model of other spaces.
    """
    from sb3_presa.algorithms.presa import PRESA

    found = []
    for path in paths:
        try:
            model = PRESA.load(path)
        except OSError:
            raise
        except Exception as error:  # SB3 raises whatever its parsers raise
            raise ConfigError(f"{path} must be a model that PRESA saved: {error}") from error
        found.append(model.preference_utility(transitions, segments))
    return np.stack(found, axis=1)
