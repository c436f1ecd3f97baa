"""The exactness of a clone: how near its actions are to what it imitates."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch as th

from sb3_presa.learning.phases import RowSampler, RowsOfLevels
from sb3_presa.learning.source import BatchSource
from sb3_presa.policies.actor import GaussianHead
from sb3_presa.policies.policy import OfflinePolicy

#: Transitions that it is measured on, at least.
_N_ROWS: Final = 4_096


@dataclass(frozen=True, eq=False)
class Exactness:
    """
    The test whether a reference repeats what it imitates so exactly that alignment would only lose.

    :param policy: the policy that has it
    :param source: the data
    :param rows: draws what it imitates
    :param least_error: alignment has nothing to add below this error
    """

    policy: OfflinePolicy
    source: BatchSource
    rows: RowSampler
    least_error: float

    @cached_property
    @th.no_grad()
    def error(self) -> float:
        """
        Measured once: the reference must be frozen by then.

        :return: root mean squared error of the reference's ``Box`` actions, as a share of half
            their range, or of their spread where they are narrow; infinity for discrete ones
        """
        actor = self.policy.actor_reference
        if not isinstance(actor.head, GaussianHead):
            return math.inf
        generator = th.Generator(self.source.device).manual_seed(0)  # a resumed run finds the same
        levels = self.rows.levels if isinstance(self.rows, RowsOfLevels) else None
        squared, n = [], 0
        while n < _N_ROWS:
            rows = self.rows.draw(generator)
            observations, actions = self.source.gather(rows)
            squared.append(actor.head.error(actor(observations, levels), actions).square().mean())
            n += len(rows)
        return math.sqrt(float(th.stack(squared).mean()))

    @property
    def suffices(self) -> bool:
        """:return: whether the reference is kept as it is"""
        return self.error < self.least_error
