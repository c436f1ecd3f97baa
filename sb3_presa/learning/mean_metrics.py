"""Means of what is logged, without reading from the device at every step."""

from typing import Any

import torch as th


class MeanMetrics:
    """
    Means over the steps since the last log entry, summed on the device. A step at which a number is
    NaN does not count for it: its minibatch had nothing to take it from.
    """

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._sum = self._steps = th.zeros(0)

    def add(self, metrics: dict[str, th.Tensor]) -> None:
        """
        :param metrics: numbers by name, all of one shape: scalars, or one a model. Other names
            than at the last step begin anew
        """
        names, values = tuple(metrics), th.stack([v.detach().float() for v in metrics.values()])
        if names != self._names:  # another phase logs other metrics
            self._names = names
            self._sum, self._steps = th.zeros_like(values), th.zeros_like(values)
        self._sum += values.nan_to_num(0.0, posinf=th.inf, neginf=-th.inf)
        self._steps += ~values.isnan()

    def pop(self) -> dict[str, Any]:
        """
        :return: the mean of each, a float or a list of them as what was added is, NaN where there
            was nothing to take it from; forgets them
        """
        means = (self._sum / self._steps).tolist()
        self._sum.zero_()
        self._steps.zero_()
        return dict(zip(self._names, means, strict=True))
