"""Utility of segments to the policy that acts, as the preference loss has it."""

import numpy as np
import torch as th
from numpy.typing import NDArray

from sb3_presa.learning.losses import clip_log_ratio, segment_log_ratio
from sb3_presa.learning.phases import log_prob_of_all
from sb3_presa.learning.settings import ObjectiveSettings
from sb3_presa.learning.source import BatchSource
from sb3_presa.policies.policy import OfflinePolicy


def segment_utilities(
    policy: OfflinePolicy, source: BatchSource, settings: ObjectiveSettings
) -> NDArray[np.float64]:
    """
    The scaled log-ratio of whole segments between the policy that acts and its reference.

    :param policy: the policy
    :param source: transitions, and segments of them as training labels
    :param settings: of the objective: ``alpha``, ``gamma``, ``clip_range``, ``normalize_length``
    :return: utility of each segment, (S,)
    """
    log_ratio = log_prob_of_all(policy.actor_average, source)
    log_ratio -= log_prob_of_all(policy.actor_reference, source)
    if settings.clip_range is not None:
        log_ratio = clip_log_ratio(log_ratio, settings.clip_range)
    log_ratio = log_ratio.double()
    labels = source.training
    found = []
    for start, length in zip(labels.starts.tolist(), labels.lengths.tolist(), strict=True):
        steps = log_ratio[start : start + length]
        r = segment_log_ratio(
            steps,
            th.ones_like(steps),
            th.arange(length, device=steps.device),
            th.tensor(length, device=steps.device),
            settings.gamma,
            settings.normalize_length,
        )
        found.append(settings.alpha * float(r))
    return np.asarray(found)
