"""The DSRL benchmark's files, to Minari and back.

A file of the benchmark (Liu et al., "Datasets and Benchmarks for Offline Safe Reinforcement
Learning", DMLR 2024) is HDF5 with one row a step, episode after episode: ``observations``,
``next_observations``, ``actions``, ``rewards``, ``costs``, ``terminals``, ``timeouts``.
"""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer

from sb3_presa.data.checks import (
    NEGATIVE_COST,
    Extremes,
    bound_excess,
    first_entry,
    first_true_row,
    space_bounds,
)
from sb3_presa.data.datasets import DatasetLike, read_episodes, resolve_dataset
from sb3_presa.data.dsrl_columns import (
    Array,
    Columns,
    Oddities,
    find_oddities,
    read_columns,
)
from sb3_presa.data.episodes import load_outcomes
from sb3_presa.data.minari_store import check_free, write_dataset
from sb3_presa.data.stored import Field
from sb3_presa.envs.tasks import Task, find_task
from sb3_presa.errors import ConfigError, DatasetError
from sb3_presa.files import check_writable, write_bytes


def import_dsrl(
    path: str | os.PathLike[str],
    dataset_id: str,
    env_id: str | None = None,
    strict: bool = False,
    *,
    overwrite: bool = False,
    root: str | os.PathLike[str] | None = None,
) -> MinariDataset:
    """Make a Minari dataset from a file of the DSRL benchmark.

    Whatever training does not need may be missing or odd. One ``UserWarning`` counts what Minari
    cannot represent and what was filled in: a ``next_observations`` row that is not the next
    observation (the next row's observation is kept), a last episode without an end flag (marked
    as truncated), steps with both flags, actions outside the environment's bounds (clipped),
    episodes with numbers that are not finite (left out), missing tables. Everything else comes
    back bit for bit, in float32, from :func:`export_dsrl`.

    :param path: the HDF5 file.
    :param dataset_id: Minari id to make, ``(namespace/)name-vN``.
    :param env_id: the environment that the data came from: any registered id, or the id of a
        task of the benchmark. Its spec and, of a task, the normalisation references are recorded.
        None: the spaces are taken from the data.
    :param strict: refuse what would be warned about.
    :param overwrite: replace a dataset of this id.
    :param root: the datasets root; None is Minari's.
    :return: the new dataset. It appears complete or not at all.
    :raises DatasetError: if the file is unreadable, or has no observations or actions, or does
        not fit the environment, or a cost is below 0, or the id is malformed or taken; if
        ``strict``, naming the rows.
    :raises ConfigError: if no environment of the id is known.
    """
    check_free(dataset_id, root, overwrite)
    source = Path(path)
    origin = _find_origin(env_id)
    oddities = Oddities()
    columns = read_columns(source, oddities)
    left_out = find_oddities(columns, oddities)
    observation_space, action_space = _spaces(source, columns, origin)
    actions = _fitted(source, columns.actions, action_space, oddities)
    if oddities.found and strict:
        raise DatasetError(
            f"{source} cannot be imported without changes (strict):\n{oddities.describe()}"
        )
    bounds = [b for b, left in zip(columns.episode_bounds(), left_out, strict=True) if not left]
    if not bounds:
        raise DatasetError(
            f"at least one episode must have finite numbers only, got none of {len(left_out)} "
            f"({source})"
        )
    if columns.costs is not None:
        _check_costs(source, columns.costs, bounds)
    if oddities.found:
        warnings.warn(
            f"{source} is imported as '{dataset_id}' with changes:\n{oddities.describe()}",
            UserWarning,
            stacklevel=2,
        )
    task = origin.task
    return write_dataset(
        dataset_id,
        [_episode(columns, actions, start, end) for start, end in bounds],
        observation_space=observation_space,
        action_space=action_space,
        env_spec=origin.spec,
        ref_min_score=None if task is None else task.reward_min,
        ref_max_score=None if task is None else task.reward_max,
        description=f"Imported from the DSRL file {source.name}.",
        metadata={
            "imported_from": source.name,
            "import_notes": oddities.describe(),
            **({} if task is None else {"max_episode_steps": task.horizon}),
        },
        overwrite=overwrite,
        root=root,
    )


def export_dsrl(
    dataset: DatasetLike, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Write a Minari dataset as a file of the DSRL benchmark, whole or not at all.

    :param dataset: a Minari id, a path or an open dataset, with ``infos["cost"]``.
    :param path: the HDF5 file to write; its folder is made if it is missing.
    :param overwrite: replace a file that is there.
    :return: the path.
    :raises DatasetError: for observations that are not one array, missing costs, or a file that
        is there already.
    :raises ConfigError: if the file cannot be written.
    """
    dataset, target = resolve_dataset(dataset), Path(path)
    if target.exists() and not overwrite:
        raise DatasetError(
            f"{target} exists already; choose another file, or replace it with overwrite=True"
        )
    if not isinstance(dataset.observation_space, spaces.Box):
        raise DatasetError(
            f"the observation space must be Box to be exported to DSRL, got "
            f"{type(dataset.observation_space).__name__} (dataset '{dataset.id}')"
        )
    check_writable(target)
    tables = _flat_tables(dataset)
    # In memory: HDF5 reports no error where the disk is full
    with h5py.File(target.name, "w", driver="core", backing_store=False) as file:
        for name, table in tables.items():
            file.create_dataset(name, data=table, compression="gzip", compression_opts=1)
        file.flush()
        image = file.id.get_file_image()
    write_bytes(target, image)
    return target


def _check_costs(source: Path, costs: Array, bounds: list[tuple[int, int]]) -> None:
    for start, end in bounds:
        row = first_true_row(costs[start:end] < 0)
        if row is not None:
            raise DatasetError(
                f"'costs' must be at least 0, got {costs[start + row]:g} in row {start + row} "
                f"({source}); {NEGATIVE_COST}"
            )


def _flat_tables(dataset: MinariDataset) -> dict[str, Array]:
    parts: dict[str, list[Any]] = {
        name: []
        for name in ("observations", "next_observations", "actions", "terminals", "timeouts")
    }
    unflagged = split = 0
    fields: tuple[Field, ...] = ("observations", "actions", "terminations", "truncations")
    for _, found in read_episodes(dataset, fields):
        if len(found["actions"]) == 0:
            continue
        timeouts = np.array(found["truncations"], dtype=bool)
        if not (timeouts[-1] or found["terminations"][-1]):
            timeouts[-1] = True
            unflagged += 1
        split += bool(timeouts[:-1].any() or np.any(found["terminations"][:-1]))
        parts["observations"].append(found["observations"][:-1])
        parts["next_observations"].append(found["observations"][1:])
        parts["actions"].append(found["actions"])
        parts["terminals"].append(np.asarray(found["terminations"], dtype=bool))
        parts["timeouts"].append(timeouts)
    if unflagged:
        warnings.warn(
            f"{unflagged} episodes of '{dataset.id}' end without a flag: their last steps are "
            "exported as timeouts, because DSRL separates episodes by flags",
            UserWarning,
            stacklevel=3,
        )
    if split:
        warnings.warn(
            f"{split} episodes of '{dataset.id}' have a flag before their last step: each is "
            "exported as several, because DSRL separates episodes by flags",
            UserWarning,
            stacklevel=3,
        )
    outcomes = load_outcomes(dataset)
    tables = {name: _single(np.concatenate(rows)) for name, rows in parts.items()}
    tables["rewards"] = outcomes.rewards.astype(np.float32)
    tables["costs"] = outcomes.costs.astype(np.float32)
    return tables


def _single(values: Array) -> Array:
    """As float32, as the benchmark's files are, unless that would not tell the values apart."""
    if values.dtype != np.float64:
        return values
    extremes = Extremes()
    extremes.add(values)
    return values if extremes.are_close() else values.astype(np.float32)


@dataclass(frozen=True)
class _Origin:
    """The environment behind a file, as far as it is known."""

    env_id: str | None = None
    spec: EnvSpec | None = None
    task: Task | None = None


def _find_origin(env_id: str | None) -> _Origin:
    from sb3_presa.envs import register_envs

    if env_id is None:
        return _Origin()
    register_envs()
    task = find_task(env_id)
    # Of a task, this package's own environment: that is the one that can be recovered anywhere.
    for candidate in ([task.env_id] if task is not None else []) + [env_id]:
        try:
            return _Origin(env_id, gym.spec(candidate), task)
        except (gym.error.Error, ImportError) as error:
            problem = error
    if task is None:
        raise ConfigError(
            "`env_id` must be a registered environment or a task of the benchmark, got "
            f"'{env_id}': {problem}"
        )
    return _Origin(env_id, None, task)


def _spaces(
    source: Path, columns: Columns, origin: _Origin
) -> tuple[gym.Space[Any], gym.Space[Any]]:
    """The environment's spaces where it can be made here, else spaces that fit the data."""
    if origin.spec is not None:
        try:
            env = gym.make(origin.spec)
        except Exception as error:  # simulators fail in their own ways
            warnings.warn(
                f"{origin.spec.id} cannot be made here, so its spaces are taken from the data: "
                f"{error}",
                UserWarning,
                stacklevel=3,
            )
        else:
            observation_space, action_space = env.observation_space, env.action_space
            env.close()
            shape = columns.observations.shape[1:]
            if shape != observation_space.shape:
                raise DatasetError(
                    f"'observations' must have shape {observation_space.shape} per step, as in "
                    f"{origin.env_id}, got {shape} ({source}): the file is of another environment"
                )
            if isinstance(observation_space, spaces.MultiDiscrete | spaces.MultiBinary):
                _choices(source, "observations", columns.observations, observation_space)
            return observation_space, action_space
    return _fitting_observations(columns.observations), _fitting_actions(columns.actions)


def _fitting_observations(observations: Array) -> spaces.Box:
    shape = observations.shape[1:]
    if observations.dtype == np.uint8:
        return spaces.Box(0, 255, shape, np.uint8)
    return spaces.Box(-np.inf, np.inf, shape, np.float32)


def _fitting_actions(actions: Array) -> gym.Space[Any]:
    if actions.dtype.kind == "i":
        if actions.min() < 0:
            raise DatasetError(f"discrete actions must be at least 0, got {actions.min()}")
        most = actions.max(axis=0) + 1
        return spaces.Discrete(int(most)) if actions.ndim == 1 else spaces.MultiDiscrete(most)
    # The benchmark's tasks all take [-1, 1]; wider only where the data are.
    finite = np.where(np.isfinite(actions), actions, 0)
    kind = np.float64 if actions.dtype == np.float64 else np.float32
    low = np.minimum(finite.min(axis=0), -1).astype(kind)
    high = np.maximum(finite.max(axis=0), 1).astype(kind)
    return spaces.Box(low, high, dtype=kind)


def _fitted(source: Path, actions: Array, space: gym.Space[Any], oddities: Oddities) -> Array:
    """The actions in the shape, type and, clipped, the bounds of their space."""
    shape = (len(actions), *(space.shape or ()))
    if actions.size != np.prod(shape):
        raise DatasetError(
            f"'actions' must have shape {space.shape} per step, as in the environment, got "
            f"{actions.shape[1:]} ({source}): the file is of another environment"
        )
    actions = actions.reshape(shape)
    if not isinstance(space, spaces.Box):
        return _choices(source, "actions", actions, space)
    if actions.dtype.kind != "f":
        actions = actions.astype(np.float32)
    low, high = space_bounds(space)
    outside = bound_excess(actions, low, high).reshape(len(actions), -1).any(axis=1)
    oddities.add("action outside the environment's bounds, clipped", np.flatnonzero(outside))
    actions[outside] = np.clip(actions[outside], low, high)
    return actions


def _choices(source: Path, name: str, values: Array, space: gym.Space[Any]) -> Array:
    """Whole numbers of a discrete space, which nothing is rounded or clipped to."""
    low, high = space_bounds(space)
    wrong = ~((values >= low) & (values <= high) & (values == np.rint(values)))
    if (row := first_true_row(wrong)) is not None:
        found, least, most = (first_entry(of, wrong[row]) for of in (values[row], low, high))
        raise DatasetError(
            f"'{name}' must be whole numbers in [{least}, {most}], as {space} has them, got "
            f"{found} in row {row} ({source}); mend the rows, or name the environment of the file"
        )
    return values.astype(np.int64)


def _episode(columns: Columns, actions: Array, start: int, end: int) -> EpisodeBuffer:
    rows = slice(start, end)
    following = columns.next_observations
    last = columns.observations[end - 1] if following is None else following[end - 1]
    truncations = columns.timeouts[rows].copy()
    truncations[-1] |= not columns.terminals[end - 1]
    infos = None
    if columns.costs is not None:
        infos = {"cost": np.concatenate([np.zeros(1, np.float32), columns.costs[rows]])}
    recorded: dict[str, Any] = {  # Minari declares lists, and takes arrays
        "observations": np.concatenate([columns.observations[rows], last[None]]),
        "actions": actions[rows],
        "rewards": columns.rewards[rows],
        "terminations": columns.terminals[rows],
        "truncations": truncations,
        "infos": infos,
    }
    return EpisodeBuffer(**recorded)
