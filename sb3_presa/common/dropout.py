"""Dropout whose masks are a function of the training step, like its minibatch."""

import torch as th
from torch import nn


class SeededDropout(nn.Module):
    """
    Sets a share of its inputs to zero and scales the rest up, but only while it has a source of
    randomness. Without one it does nothing, so predictions, the reference policy and
    evaluations never drop anything, and a run that was stopped goes on with the same masks.

    :param share: share of the inputs to drop, in [0, 1)
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: th.Generator | None = None

    def forward(self, inputs: th.Tensor) -> th.Tensor:
        """
        :param inputs: any shape
        :return: the same shape
        """
        if self.generator is None:
            return inputs
        kept = th.empty_like(inputs).bernoulli_(1.0 - self.share, generator=self.generator)
        return inputs * kept / (1.0 - self.share)
