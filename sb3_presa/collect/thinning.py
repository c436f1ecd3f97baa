"""Keep episodes that are spread over the plane of cost return and reward return."""

import numpy as np
import numpy.typing as npt


def thin(
    cost_returns: npt.NDArray[np.float64],
    reward_returns: npt.NDArray[np.float64],
    *,
    n_episodes: int,
    cells: int,
    cost_range: tuple[float, float],
    reward_range: tuple[float, float],
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Choose episodes so that they are spread evenly over the cells of the plane.

    Every cell contributes up to the same number of episodes, the largest that keeps the total
    within ``n_episodes``. The rest is filled with one more episode from random cells.

    :param cost_returns: Cost return of each episode.
    :param reward_returns: Reward return of each episode.
    :param n_episodes: Episodes to keep; all are kept where fewer lie in the ranges.
    :param cells: The plane is divided into ``cells x cells``.
    :param cost_range: Cost returns to keep, both ends included.
    :param reward_range: Reward returns to keep, both ends included.
    :param rng: Draws the episodes within cells.
    :return: Rows of the chosen episodes, ascending.
    """
    inside = (
        (cost_returns >= cost_range[0])
        & (cost_returns <= cost_range[1])
        & (reward_returns >= reward_range[0])
        & (reward_returns <= reward_range[1])
    )
    candidates = rng.permutation(np.flatnonzero(inside))
    cell = _cell(cost_returns[candidates], cost_range, cells) * cells
    cell += _cell(reward_returns[candidates], reward_range, cells)
    # An episode's turn is its rank in the random order of its cell; lower turns are kept first.
    turn = np.zeros(len(candidates), dtype=np.int64)
    for name in np.unique(cell):
        members = np.flatnonzero(cell == name)
        turn[members] = np.arange(len(members))
    kept = candidates[np.argsort(turn, kind="stable")[:n_episodes]]
    return np.sort(kept).astype(np.int64)


def _cell(
    values: npt.NDArray[np.float64], bounds: tuple[float, float], cells: int
) -> npt.NDArray[np.int64]:
    low, high = bounds
    share = (values - low) / max(high - low, np.finfo(np.float64).tiny)
    return np.clip((share * cells).astype(np.int64), 0, cells - 1)
