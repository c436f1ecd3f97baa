"""Learning-rate schedules in SB3's sense: functions of the remaining progress, 1 to 0."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from stable_baselines3.common.type_aliases import Schedule

from sb3_presa.errors import ConfigError

#: Learning rate at a gradient step.
Rate: TypeAlias = Callable[[int], float]


@dataclass(frozen=True)
class CosineSchedule:
    """
    Half a cosine from ``initial`` (progress 1) to ``final`` (progress 0).

    :param initial: value at the start
    :param final: value at the end
    """

    initial: float
    final: float

    def __call__(self, progress_remaining: float) -> float:
        """
        :param progress_remaining: from 1 (start) to 0 (end)
        :return: the value at that point
        """
        cosine = 0.5 * (1.0 - math.cos(math.pi * progress_remaining))
        return self.final + (self.initial - self.final) * cosine


@dataclass(frozen=True)
class WarmupSchedule:
    """
    A straight line from 0 (progress 1) up to ``value``, which then stays.

    :param value: value after the warm-up
    :param share: share in (0, 1] of all steps that the warm-up takes
    """

    value: float
    share: float

    def __call__(self, progress_remaining: float) -> float:
        """
        :param progress_remaining: from 1 (start) to 0 (end)
        :return: the value at that point
        """
        return self.value * min(1.0, (1.0 - progress_remaining) / self.share)


def rate_over(schedule: Schedule, start: int, stop: int) -> Rate:
    """
    :param schedule: function of the remaining progress
    :param start: the step at which the progress that remains is 1
    :param stop: the step at which none remains
    :return: learning rate at each step; from ``stop`` on, to which a phase may be planned that the
        run does not reach, the last one
    """
    n_steps = max(1, stop - start)
    return lambda step: checked_rate(schedule, max(0.0, 1.0 - (step - start) / n_steps))


def checked_rate(schedule: Schedule, progress_remaining: float) -> float:
    """
    :param schedule: function of the remaining progress
    :param progress_remaining: from 1 (start) to 0 (end)
    :return: the learning rate at that point
    :raises ConfigError: if it is not a finite number of at least 0
    """
    try:
        rate = float(schedule(progress_remaining))
    except (TypeError, ValueError) as error:
        raise ConfigError(
            "`learning_rate` must be a function of the remaining progress that returns a number: "
            f"{error} (at progress {progress_remaining:g})"
        ) from error
    if not (math.isfinite(rate) and rate >= 0.0):
        raise ConfigError(
            "`learning_rate` must return finite numbers of at least 0, got "
            f"{rate} (at progress {progress_remaining:g})"
        )
    return rate
