"""Utilities of segments under saved PRESA models; the only part of a strategy that needs torch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError
from sb3_presa.feedback.table import Feedback


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
    feedback = Feedback.create(transitions, segments)
    starts = dict(
        zip(transitions.episode_ids.tolist(), transitions.episode_starts.tolist(), strict=True)
    )
    rows = [(starts[episode] + start, length) for episode, start, length in segments]
    return np.stack([_utilities(path, transitions, feedback, rows) for path in paths], axis=1)


def _utilities(
    path: str, transitions: Transitions, feedback: Feedback, rows: Sequence[tuple[int, int]]
) -> npt.NDArray[np.float64]:
    from sb3_presa.algorithms.presa import PRESA
    from sb3_presa.learning.cloning import log_prob_of_all
    from sb3_presa.learning.losses import NORMALISED_LENGTH, clip_log_ratio
    from sb3_presa.learning.segment_buffer import SegmentBuffer
    from sb3_presa.policies.spaces import channels_first, check_fits

    try:
        model = PRESA.load(path)
        actor, reference = model.policy.actor_average, model.policy.actor_reference
        alpha, gamma, normalised = model.alpha, model.gamma, model.normalize_length
        clip_range = model.clip_range
    except OSError:
        raise
    except Exception as error:  # SB3 passes on any error of its parsers
        raise ConfigError(f"{path} is not a saved PRESA model: {error}") from error
    observed = channels_first(transitions.observation_space)
    check_fits(model, observed, transitions.action_space)
    buffer = SegmentBuffer(transitions, feedback, model.device, model.policy.scale_actions)
    ratios = log_prob_of_all(actor, buffer) - log_prob_of_all(reference, buffer)
    if clip_range is not None:
        ratios = clip_log_ratio(ratios, clip_range)
    steps = ratios.double().cpu().numpy()
    found = np.empty(len(rows))
    for index, (start, length) in enumerate(rows):
        discounts = gamma ** np.arange(length)
        scale = NORMALISED_LENGTH / discounts.sum() if normalised else 1.0
        found[index] = alpha * scale * discounts @ steps[start : start + length]
    return found
