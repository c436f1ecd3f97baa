"""Shared type aliases."""

from typing import TypeAlias

import torch as th

#: A batch of observations on a device: one tensor, or one tensor per key of a Dict space.
TensorObs: TypeAlias = th.Tensor | dict[str, th.Tensor]


def index_obs(observations: TensorObs, index: th.Tensor) -> TensorObs:
    """
    Rows of a batch of observations.

    :param observations: (N, ...) tensor, or a dict of them
    :param index: int64 rows, any shape (M,)
    :return: (M, ...) tensor, or a dict of them
    """
    if isinstance(observations, dict):
        return {key: value.index_select(0, index) for key, value in observations.items()}
    return observations.index_select(0, index)
