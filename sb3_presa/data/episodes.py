"""Read a Minari dataset as flat arrays: what the learner may see, and, apart from it, the outcomes.

:class:`Transitions` holds observations and actions only. Rewards and costs are read by
:func:`load_outcomes`, which labelling and statistics use and training never calls.
"""

from typing import Any, Literal

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from sb3_presa.data.checks import check_transitions, first_true_row
from sb3_presa.data.datasets import DatasetLike, read_episodes, resolve_dataset
from sb3_presa.data.transitions import Array, Endings, Outcomes, Transitions
from sb3_presa.errors import DatasetError


def load_transitions(dataset: DatasetLike) -> Transitions:
    """Read the observations and actions of every episode, and check them.

    Episodes without a step are left out.

    :param dataset: as for :func:`resolve_dataset`; of a filtered dataset, its episodes only.
    :return: the steps of all episodes, without rewards and costs.
    :raises DatasetError: for spaces that no policy can take, numbers that are not finite and
        actions outside the action space; the message names episode, step, value and bounds.
    """
    dataset = resolve_dataset(dataset)
    is_dict = isinstance(dataset.observation_space, spaces.Dict)
    observation_dtypes = _observation_dtypes(dataset.observation_space)
    action_dtype = _action_dtype(dataset.action_space)
    flat = {
        key: _RowBuffer(dataset.total_steps, dtype) for key, dtype in observation_dtypes.items()
    }
    actions = _RowBuffer(dataset.total_steps, action_dtype)
    ids: list[int] = []
    lengths: list[int] = []
    for episode, found in read_episodes(dataset, ("observations", "actions")):
        length = len(found["actions"])
        if length == 0:
            continue
        observed = found["observations"] if is_dict else {"": found["observations"]}
        for key, buffer in flat.items():
            space = _subspace(dataset.observation_space, key)
            name = f"observations['{key}']" if key else "observations"
            buffer.append(_shaped(observed[key], length + 1, space, name, episode)[:-1])
        actions.append(_shaped(found["actions"], length, dataset.action_space, "actions", episode))
        ids.append(episode)
        lengths.append(length)
    if not ids:
        raise DatasetError(f"Dataset '{dataset.id}' has no steps in its {len(dataset)} episodes.")
    episode_lengths = np.asarray(lengths, dtype=np.int64)
    observations = {key: buffer.rows() for key, buffer in flat.items()}
    transitions = Transitions(
        observations=observations if is_dict else observations[""],
        actions=actions.rows(),
        episode_ids=np.asarray(ids, dtype=np.int64),
        episode_starts=np.cumsum(episode_lengths) - episode_lengths,
        episode_lengths=episode_lengths,
        observation_space=dataset.observation_space,
        action_space=dataset.action_space,
        dataset_id=dataset.id,
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
    is_dict = isinstance(dataset.observation_space, spaces.Dict)
    dtypes = _observation_dtypes(dataset.observation_space)
    last: dict[str, list[Array]] = {key: [] for key in dtypes}
    terminated: list[bool] = []
    for episode, found in read_episodes(dataset, ("observations", "actions", "terminations")):
        if (length := len(found["actions"])) == 0:
            continue
        observed = found["observations"] if is_dict else {"": found["observations"]}
        for key, dtype in dtypes.items():
            space = _subspace(dataset.observation_space, key)
            name = f"observations['{key}']" if key else "observations"
            value = _shaped(observed[key], length + 1, space, name, episode)[-1].astype(dtype)
            if not np.isfinite(value).all():
                where = f"Dataset '{dataset.id}', episode {episode}, after the last step"
                raise DatasetError(f"{where}: {name} are not finite.")
            last[key].append(value)
        terminated.append(bool(np.asarray(found["terminations"])[-1]))
    observations = {key: np.stack(values) for key, values in last.items()}
    return Endings(observations if is_dict else observations[""], np.asarray(terminated))


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
    ids: list[int] = []
    for episode, found in read_episodes(dataset, ("rewards", "cost")):
        steps = len(found["rewards"])
        if steps == 0:
            continue
        where = f"Dataset '{dataset.id}', episode {episode}"
        reward = np.asarray(found["rewards"], dtype=np.float64).reshape(steps, -1)[:, 0]
        _require_finite(reward, "reward", where)
        rewards.append(reward)
        costs.append(_episode_cost(found["cost"], steps, where, missing_costs))
        ids.append(episode)
    if not ids:
        raise DatasetError(f"Dataset '{dataset.id}' has no steps in its {len(dataset)} episodes.")
    lengths = np.asarray([len(reward) for reward in rewards], dtype=np.int64)
    return Outcomes(
        rewards=np.concatenate(rewards),
        costs=np.concatenate(costs),
        episode_ids=np.asarray(ids, dtype=np.int64),
        episode_starts=np.cumsum(lengths) - lengths,
        episode_lengths=lengths,
    )


class _RowBuffer:
    """Rows appended into one array, so that the episodes are never held twice."""

    def __init__(self, capacity: int, dtype: np.dtype[Any]) -> None:
        self._capacity, self._dtype, self._used = capacity, dtype, 0
        self._array: Array | None = None

    def append(self, rows: Array) -> None:
        end = self._used + len(rows)
        if self._array is None:
            shape = (max(self._capacity, end), *rows.shape[1:])
            self._array = np.empty(shape, dtype=self._dtype)
        elif end > len(self._array):  # the metadata promised fewer steps than there are
            grown = np.empty((2 * end, *rows.shape[1:]), dtype=self._dtype)
            grown[: self._used] = self._array[: self._used]
            self._array = grown
        with np.errstate(over="ignore"):  # what overflows float32 is found as not finite
            self._array[self._used : end] = rows
        self._used = end

    def rows(self) -> Array:
        assert self._array is not None
        return self._array[: self._used]


def _observation_dtypes(space: gym.Space[Any]) -> dict[str, np.dtype[Any]]:
    if isinstance(space, spaces.Dict):
        return {key: _leaf_dtype(part, f"observation '{key}'") for key, part in space.items()}
    return {"": _leaf_dtype(space, "observation")}


def _leaf_dtype(space: gym.Space[Any], name: str) -> np.dtype[Any]:
    if isinstance(space, spaces.Box):
        return np.dtype(np.uint8 if space.dtype == np.uint8 else np.float32)
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return np.dtype(np.int64)
    if isinstance(space, spaces.MultiBinary):
        return np.dtype(np.int8)
    raise DatasetError(
        f"The {name} space is {type(space).__name__}; allowed are Box, Discrete, MultiDiscrete, "
        "MultiBinary, and one Dict of these for observations."
    )


def _action_dtype(space: gym.Space[Any]) -> np.dtype[Any]:
    if isinstance(space, spaces.Box):
        return np.dtype(np.float32)
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return np.dtype(np.int64)
    raise DatasetError(
        f"The action space is {type(space).__name__}; allowed are Box, Discrete and MultiDiscrete."
    )


def _subspace(space: gym.Space[Any], key: str) -> gym.Space[Any]:
    return space[key] if isinstance(space, spaces.Dict) else space


def _shaped(values: Any, rows: int, space: gym.Space[Any], name: str, episode_id: int) -> Array:
    array = np.asarray(values)
    shape = (rows, *(space.shape or ()))
    if array.dtype.kind not in "fiub" or len(array) != rows or array.size != np.prod(shape):
        raise DatasetError(
            f"Episode {episode_id}: {name} are {array.dtype} of shape {array.shape}; "
            f"{space} and the episode's length ask for numbers of shape {shape}."
        )
    return array.reshape(shape)


def _require_finite(values: Array, name: str, where: str) -> None:
    step = first_true_row(~np.isfinite(values))
    if step is not None:
        raise DatasetError(f"{where}, step {step}: {name} {values[step]} is not finite.")


def _episode_cost(
    cost: Any, steps: int, where: str, missing: Literal["raise", "nan"]
) -> npt.NDArray[np.float64]:
    if cost is None:
        if missing == "nan":
            return np.full(steps, np.nan)
        raise DatasetError(
            f"{where} has no costs: infos['cost'] is missing. Synthetic labels and algorithms "
            "that read true costs need one for every step."
        )
    try:
        costs = np.atleast_1d(np.asarray(cost, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{where}: infos['cost'] is no array of numbers: {error}") from error
    if costs.size != len(costs) or len(costs) not in (steps, steps + 1):
        raise DatasetError(
            f"{where}: infos['cost'] has shape {costs.shape}; allowed is one number for each of "
            f"its {steps} steps, or {steps + 1} with one for the reset in front."
        )
    costs = costs.reshape(-1)[-steps:]
    _require_finite(costs, "cost", where)
    return costs
