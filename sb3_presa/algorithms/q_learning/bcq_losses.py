"""The losses of batch-constrained Q-learning, as pure functions of tensors."""

import torch as th


def vae_loss(
    reconstruction: th.Tensor,
    actions: th.Tensor,
    mean: th.Tensor,
    log_std: th.Tensor,
    kl_coef: float,
) -> th.Tensor:
    """
    Mean squared error of the actions plus the mean divergence of the code from N(0, 1).

    :param reconstruction: decoded actions, (N, A)
    :param actions: actions, (N, A)
    :param mean: means of the code, (N, Z)
    :param log_std: logarithms of its standard deviations, (N, Z)
    :param kl_coef: weight of the divergence
    :return: scalar
    """
    squared = (reconstruction - actions).square().mean()
    divergence = 0.5 * (mean.square() + (2.0 * log_std).exp() - 1.0 - 2.0 * log_std)
    return squared + kl_coef * divergence.mean()


def soft_clipped_values(twins: th.Tensor, min_weight: float) -> th.Tensor:
    """
    One value of several critics': between the lowest and the highest of them.

    :param twins: values by critic, (2, ...)
    :param min_weight: weight in [0, 1] of the lowest; the highest has the rest
    :return: (...)
    """
    return min_weight * twins.amin(0) + (1.0 - min_weight) * twins.amax(0)


def highest_values(candidates: th.Tensor, min_weight: float) -> th.Tensor:
    """
    Each outcome by its own highest candidate action, as published: what the constraint is held
    against is the worst candidate.

    :param candidates: values of the candidates in a state by outcome and critic, (O, 2, N, C)
    :param min_weight: as for :func:`soft_clipped_values`
    :return: (O, N)
    """
    return soft_clipped_values(candidates.transpose(0, 1), min_weight).amax(-1)


def chosen_values(candidates: th.Tensor, multiplier: th.Tensor, min_weight: float) -> th.Tensor:
    """
    Both outcomes by the candidate action that the policy would choose: a reward close to what the
    lower critic says, a cost close to what the higher one does, and never below 0. A choice among
    candidates finds the critics' errors, and with the lower of two costs, or one that is less
    than nothing, the agent would believe them, and critics learn them from each other.

    :param candidates: values of rewards and of costs of the candidates in a state by critic,
        (2, 2, N, C)
    :param multiplier: price of a unit of cost, scalar
    :param min_weight: as for :func:`soft_clipped_values`
    :return: (2, N)
    """
    chosen = lagrangian_score(candidates, multiplier).argmax(-1, keepdim=True)
    rewards, costs = candidates
    likely_costs = soft_clipped_values(costs, 1.0 - min_weight).clamp_min(0.0)
    values = th.stack([soft_clipped_values(rewards, min_weight), likely_costs])
    return values.gather(-1, chosen.expand(len(values), -1, 1)).squeeze(-1)


def bellman_targets(
    outcomes: th.Tensor, next_values: th.Tensor, goes_on: th.Tensor, gamma: float
) -> th.Tensor:
    """
    :param outcomes: outcomes of each transition, (O, N)
    :param next_values: values of the next states, (O, N)
    :param goes_on: 1 where there is a next state to look into, 0 after a termination, (N,)
    :param gamma: discount
    :return: targets of the critics, (O, N)
    """
    return outcomes + gamma * goes_on * next_values


def critic_loss(values: th.Tensor, targets: th.Tensor) -> th.Tensor:
    """
    :param values: value of each transition by outcome and critic, (O, 2, N)
    :param targets: (O, N)
    :return: scalar, the squared error summed over outcomes and critics
    """
    return (values - targets.unsqueeze(1)).square().mean(-1).sum()


def lagrangian_score(values: th.Tensor, multiplier: th.Tensor) -> th.Tensor:
    """
    The value that the policy raises, and by which it chooses among candidates.

    :param values: values of rewards and of costs by critic, (2, 2, ...)
    :param multiplier: price of a unit of cost, scalar
    :return: lowest reward value less the price of the lowest cost value, (...)
    """
    return values[0].amin(0) - multiplier * values[1].amin(0)
