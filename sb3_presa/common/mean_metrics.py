"""Means of what is logged, without reading from the device at every step."""

from typing import Any

import torch as th


class MeanMetrics:
    """Means over the steps since the last log entry, summed on the device."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._sum: th.Tensor | None = None
        self._steps = 0

    def add(self, metrics: dict[str, th.Tensor]) -> None:
        """
        :param metrics: numbers by name, all of one shape: scalars, or one a model. Other names
            than at the last step begin anew
        """
        names, values = tuple(metrics), th.stack([v.detach().float() for v in metrics.values()])
        if names != self._names or self._sum is None:  # another phase logs other metrics
            self._names, self._sum, self._steps = names, th.zeros_like(values), 0
        self._sum += values
        self._steps += 1

    def pop(self) -> dict[str, Any]:
        """
        :return: the mean of each, a float or a list of them as what was added is; forgets them
        """
        if self._sum is None:
            return {}
        means = (self._sum / max(self._steps, 1)).tolist()
        self._sum.zero_()
        self._steps = 0
        return dict(zip(self._names, means, strict=True))
