"""A Lagrange multiplier that a PID controller moves."""

import math

import torch as th
from torch import nn

from sb3_presa.errors import ConfigError


class PIDLagrangian(nn.Module):
    r"""
    The multiplier of a constraint :math:`e \le 0` from the history of its violation e (Stooke,
    Achiam and Abbeel, ICML 2020, https://arxiv.org/abs/2007.03964):

    .. math:: \nu = (K_P (e)_+ + K_I I + K_D (e - e_\text{last})_+)_+

    The integral I never falls below 0, so time spent within the limit is not saved up for later
    violations; and where ``multiplier_max`` is given, it never rises above what reaches that, so
    a limit that cannot be kept is not remembered for ever.

    :param gains: proportional, integral and derivative gain, each at least 0
    :param multiplier_max: largest multiplier
    :raises ConfigError: for an argument out of its range
    """

    integral: th.Tensor
    last_error: th.Tensor
    multiplier: th.Tensor

    def __init__(self, gains: tuple[float, float, float], multiplier_max: float = math.inf) -> None:
        super().__init__()
        if [0.0 <= gain < math.inf for gain in gains] != [True] * 3:
            raise ConfigError(
                f"`pid_gains` must be three finite numbers of at least 0, got {gains}"
            )
        if not multiplier_max > 0.0:
            raise ConfigError(f"`multiplier_max` must be greater than 0, got {multiplier_max}")
        self.proportional_gain, self.integral_gain, self.derivative_gain = gains
        self.multiplier_max = multiplier_max
        for name in ("integral", "last_error", "multiplier"):
            self.register_buffer(name, th.zeros(()))

    def reset(self) -> None:
        """Back to the state before the first update."""
        for state in self.buffers():
            state.zero_()

    @th.no_grad()
    def following(self, error: th.Tensor) -> dict[str, th.Tensor]:
        """
        The state after one step of the controller, which changes nothing yet; nothing is read from
        the device.

        :param error: by how much the constraint is violated, scalar, negative within the limit
        :return: the next ``multiplier``, ``integral`` and ``last_error``, scalars
        """
        error = error.detach().float()
        largest = self.multiplier_max / self.integral_gain if self.integral_gain else math.inf
        integral = (self.integral + error).clamp(0.0, largest)
        multiplier = (
            self.proportional_gain * error.clamp_min(0.0)
            + self.integral_gain * integral
            + self.derivative_gain * (error - self.last_error).clamp_min(0.0)
        )
        return {
            "multiplier": multiplier.clamp(0.0, self.multiplier_max),
            "integral": integral,
            "last_error": error,
        }

    def keep(self, state: dict[str, th.Tensor]) -> None:
        """
        :param state: what :meth:`following` returned; it becomes the controller's
        """
        for name, buffer in self.named_buffers():
            buffer.copy_(state[name])


def discounted_limit(cost_limit: float, gamma: float, horizon: int) -> float:
    """
    The discounted cost return of an episode that spreads its allowance evenly over its steps:
    what a cost critic is compared with.

    :param cost_limit: undiscounted cost that an episode may have
    :param gamma: discount in (0, 1]
    :param horizon: steps of a full episode
    :return: ``cost_limit / horizon`` times the sum of ``gamma ** t`` over the horizon
    """
    steps = horizon if gamma == 1.0 else (1.0 - gamma**horizon) / (1.0 - gamma)
    return cost_limit / horizon * steps
