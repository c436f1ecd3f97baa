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

#: Cloning batches that it is measured on; of the default size, 4,096 transitions.
_N_BATCHES: Final = 8


@dataclass(frozen=True, eq=False)
class Exactness:
    """
    The test whether a reference repeats what it imitates so exactly that no large step gains.

    :param policy: the policy that has it
    :param source: the data
    :param rows: draws what it imitates
    :param least_error: alignment has little to add below this error
    :param share: share in [0, 1] of the learning rates with which it is aligned then; 0 keeps it
    """

    policy: OfflinePolicy
    source: BatchSource
    rows: RowSampler
    least_error: float
    share: float

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
        squared = []
        for _ in range(_N_BATCHES):
            observations, actions = self.source.gather(self.rows.draw(generator))
            squared.append(actor.head.error(actor(observations, levels), actions).square().mean())
        return math.sqrt(float(th.stack(squared).mean()))

    @property
    def share_of_rates(self) -> float:
        """:return: share in [0, 1] of the learning rates with which the reference is aligned"""
        return self.share if self.error < self.least_error else 1.0
