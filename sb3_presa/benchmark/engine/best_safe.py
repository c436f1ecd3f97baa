"""The best safe episode of a dataset: the ceiling of an agent that imitates whole episodes."""

import numpy as np

from sb3_presa.data.transitions import Outcomes


def best_safe_reward(outcomes: Outcomes, cost_limit: float) -> float | None:
    """
    :param outcomes: rewards and costs of a dataset's episodes; costs may be NaN
    :param cost_limit: the largest cost of a safe episode
    :return: the highest return among the safe episodes, 0 for the lowest return of all episodes and
        1 for the highest; ``None`` if no episode is known to be safe, or all returns are equal
    """
    returns = outcomes.episode_returns
    safe = returns[outcomes.episode_costs <= cost_limit]
    low, high = float(returns.min()), float(returns.max())
    if not len(safe) or high <= low:
        return None
    return float((np.max(safe) - low) / (high - low))
