"""Read a Minari dataset as flat arrays: what the learner may see, and, apart from it, the outcomes.

:class:`Transitions` holds observations and actions only. Rewards and costs are read by
:func:`load_outcomes`, which labelling and statistics use and training never calls.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from minari import MinariDataset

from sb3_presa.data.checks import NEGATIVE_COST, Extremes, check_transitions, first_true_row
from sb3_presa.data.datasets import DatasetLike, open_episodes, resolve_dataset
from sb3_presa.data.leaves import Leaf, action_leaf, observation_leaves
from sb3_presa.data.names import coordinate_names, observation_names
from sb3_presa.data.stored import StoredEpisode, StoredEpisodes
from sb3_presa.data.transitions import Array, Endings, Outcomes, Transitions
from sb3_presa.errors import DatasetError

IntArray: TypeAlias = npt.NDArray[np.int64]


def load_transitions(dataset: DatasetLike) -> Transitions:
    """Read the observations and actions of every episode, and check them.

    Episodes without a step are left out.

    :param dataset: as for :func:`resolve_dataset`; of a filtered dataset, its episodes only.
    :return: the steps of all episodes, without rewards and costs.
    :raises DatasetError: for spaces that no policy can take, another shape than the space's,
        values that its type cannot hold, numbers that are not finite, actions outside the action
        space and terminations of other steps; the message names episode, step, value and bounds.
    """
    dataset = resolve_dataset(dataset)
    observed = observation_leaves(dataset.observation_space)
    acted = action_leaf(dataset.action_space)
    with open_episodes(dataset) as episodes:
        episode_ids, episode_lengths = _with_steps(episodes)
        n_steps = int(episode_lengths.sum())
        flat = _read_leaves(episodes, (*observed, acted), n_steps)
        terminated = _read_terminated(episodes)
    transitions = Transitions(
        observations=_joined(dataset, {leaf.key: flat[leaf][:n_steps] for leaf in observed}),
        actions=flat[acted][:n_steps],
        episode_ids=episode_ids,
        episode_starts=np.cumsum(episode_lengths) - episode_lengths,
        episode_lengths=episode_lengths,
        observation_space=dataset.observation_space,
        action_space=dataset.action_space,
        dataset_id=dataset.id,
        observation_names=observation_names(dataset),
        action_names=coordinate_names(dataset, "actions"),
        terminated=terminated,
    )
    check_transitions(transitions)
    return transitions


def load_endings(dataset: DatasetLike) -> Endings:
    """Read what follows the last step of every episode that :func:`load_transitions` returns.

    :param dataset: as for :func:`resolve_dataset`.
    :return: last observations and terminations.
    :raises DatasetError: if a last observation is missing, misshapen or not finite.
    """
    dataset = resolve_dataset(dataset)
    leaves = observation_leaves(dataset.observation_space)
    last: dict[str, list[Array]] = {leaf.key: [] for leaf in leaves}
    with open_episodes(dataset) as episodes:
        _with_steps(episodes)
        for stored in episodes.read("observations"):
            if stored.steps:
                for leaf in leaves:
                    last[leaf.key].append(leaf.read_last(stored))
        terminated = _read_terminated(episodes)
    observations = {key: np.stack(values) for key, values in last.items()}
    return Endings(_joined(dataset, observations), terminated)


def load_outcomes(
    dataset: DatasetLike, *, missing_costs: Literal["raise", "nan"] = "raise"
) -> Outcomes:
    """Read rewards, and costs from ``infos["cost"]``, of every episode.

    Costs are one number a step, or one more than steps, as Minari's own collector writes them:
    then row 0 belongs to the reset and is dropped.

    :param dataset: as for :func:`resolve_dataset`.
    :param missing_costs: what to do with an episode without costs: raise, or fill in NaN.
    :return: rewards and costs of the episodes that :func:`load_transitions` returns.
    :raises DatasetError: if costs are missing, or of another length, or a number is not finite.
    """
    dataset = resolve_dataset(dataset)
    rewards: list[npt.NDArray[np.float64]] = []
    costs: list[npt.NDArray[np.float64]] = []
    with open_episodes(dataset) as episodes:
        episode_ids, lengths = _with_steps(episodes)
        for stored in episodes.read("rewards", "cost"):
            if stored.steps:
                rewards.append(_episode_rewards(stored))
                costs.append(_episode_costs(stored, missing_costs))
    return Outcomes(
        rewards=np.concatenate(rewards),
        costs=np.concatenate(costs),
        episode_ids=episode_ids,
        episode_starts=np.cumsum(lengths) - lengths,
        episode_lengths=lengths,
    )


def _with_steps(episodes: StoredEpisodes) -> tuple[IntArray, IntArray]:
    """Ids and numbers of steps of the episodes that have any."""
    ids = np.asarray(episodes.ids, dtype=np.int64)
    lengths = np.asarray(episodes.lengths, dtype=np.int64)
    if not lengths.any():
        raise DatasetError(
            f"dataset '{episodes.dataset.id}' must have at least one step, got none in its "
            f"{len(ids)} episodes"
        )
    return ids[lengths > 0], lengths[lengths > 0]


def _read_leaves(
    episodes: StoredEpisodes, leaves: Sequence[Leaf], n_steps: int
) -> dict[Leaf, Array]:
    """All steps of each; in float64 what float32 does not tell apart, which is read again."""
    extremes = {leaf: Extremes() for leaf in leaves}
    flat = {leaf: leaf.allocate(n_steps) for leaf in leaves}
    _read_all(episodes, flat, extremes)
    wide = {
        leaf: replace(leaf, dtype=np.dtype(np.float64))
        for leaf, found in extremes.items()
        if found.are_close()
    }
    exact = {leaf: leaf.allocate(n_steps) for leaf in wide.values()}
    if exact:
        _read_all(episodes, exact, {})
    for leaf, other in wide.items():
        if not np.array_equal(flat[leaf][:n_steps], exact[other][:n_steps]):
            flat[leaf] = exact[other]
    return flat


def _read_all(
    episodes: StoredEpisodes, flat: Mapping[Leaf, Array], extremes: Mapping[Leaf, Extremes]
) -> None:
    start = 0
    for stored in episodes.read("observations", "actions"):
        if stored.steps:
            for leaf, rows in flat.items():
                leaf.read_into(stored, rows[start:], extremes.get(leaf))
            start += stored.steps


def _read_terminated(episodes: StoredEpisodes) -> npt.NDArray[np.bool_]:
    """Whether the task ended each episode that has steps."""
    stored_episodes = episodes.read("terminations")
    return np.asarray(
        [bool(one.columns["terminations"][""].last()) for one in stored_episodes if one.steps]
    )


def _joined(dataset: MinariDataset, arrays: dict[str, Array]) -> Array | dict[str, Array]:
    """In the structure of the dataset's observation space."""
    return arrays if isinstance(dataset.observation_space, spaces.Dict) else arrays[""]


def _episode_rewards(stored: StoredEpisode) -> npt.NDArray[np.float64]:
    column = stored.columns["rewards"][""]
    if column.shape not in ((stored.steps,), (stored.steps, 1)) or column.dtype.kind not in "fiub":
        raise DatasetError(
            f"{stored.where}: rewards must be one number per step, got {column.dtype} of shape "
            f"{column.shape}"
        )
    rewards = column.read().astype(np.float64).reshape(stored.steps)
    _require_finite(rewards, "reward", stored.where)
    return rewards


def _episode_costs(
    stored: StoredEpisode, missing: Literal["raise", "nan"]
) -> npt.NDArray[np.float64]:
    steps, column = stored.steps, stored.columns["cost"].get("")
    if column is None:
        if missing == "nan":
            return np.full(steps, np.nan)
        raise DatasetError(
            f"{stored.where}: infos['cost'] must be given for every step, got none. Synthetic "
            "labels and algorithms that read true costs need it"
        )
    rows = column.shape[0] if column.shape else 1
    is_flat = math.prod(column.shape) == rows
    if not is_flat or rows not in (steps, steps + 1) or column.dtype.kind not in "fiub":
        raise DatasetError(
            f"{stored.where}: infos['cost'] must be one number for each of its {steps} steps, or "
            f"{steps + 1} with one for the reset in front, got {column.dtype} of shape "
            f"{column.shape}"
        )
    costs = column.read().astype(np.float64).reshape(-1)[-steps:]
    _require_finite(costs, "cost", stored.where)
    step = first_true_row(costs < 0)
    if step is not None:
        raise DatasetError(
            f"{stored.where}, step {step}: cost must be at least 0, got {costs[step]:g}; "
            f"{NEGATIVE_COST}"
        )
    return costs


def _require_finite(values: Array, name: str, where: str) -> None:
    step = first_true_row(~np.isfinite(values))
    if step is not None:
        raise DatasetError(f"{where}, step {step}: {name} must be finite, got {values[step]}")
