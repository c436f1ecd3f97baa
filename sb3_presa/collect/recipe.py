"""The settings of a collection: agents to train, when to record them, and episodes to keep."""

import dataclasses
import hashlib
import inspect
import json
import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sb3_presa.arguments import closest
from sb3_presa.errors import ConfigError

_FORMAT = 2
#: Settings that do not change a recipe's results, or are given separately.
_NAMES = ("env_id", "dataset_id", "cost_limit")
#: The largest number of steps, episodes and the like: more would not end, or not fit into memory.
_MOST = 10**9
_MOST_ENVS = 1024
#: Settings that were added later, with the values at which the results are as before.
_LATER = {"vec_env": "dummy", "scripted": None, "scripted_episodes": 0, "action_bits": None}
#: The most bits of an action: float32 holds all multiples of 2**-23 of a range of 1.
_MOST_BITS = 23
#: The kinds of episodes that a trained agent is recorded in.
_OF_AGENTS = ("stochastic", "deterministic", "mixed")
_POLICIES = ("auto", "MlpPolicy", "CnnPolicy")
_VEC_ENVS = ("dummy", "subproc")


@dataclass(frozen=True)
class CollectRecipe:
    """Settings of one collection. A TOML file of a recipe has keys with the same names.

    :param env_id: The environment, unless the call names another one.
    :param dataset_id: The dataset to write, unless the call names another one.
    :param cost_limit: Default cost limit of an episode for ``sb3-presa label``; required for
        environments outside the benchmark's table.
    :param n_episodes: Episodes to keep; fewer if fewer lie in the ranges.
    :param steps_per_agent: Environment steps that each agent trains for.
    :param cost_weights: One agent for each weight: it maximises the scaled reward minus this weight
        times the cost. The scaled reward of a very good agent is about 1 per step.
    :param cost_budgets: One agent for each ``(start, end)``: its weight adapts so that the mean
        cost return of an episode follows a budget that moves from ``start`` to ``end``.
    :param checkpoints: Number of recordings of each agent, spread evenly over its training: the
        first is before its first step, and the finished agent has none. There is one per rollout of
        PPO at most. Where there are fewer rollouts than ``checkpoints``, the finished agent is
        recorded, too.
    :param stochastic_episodes: Episodes recorded with sampled actions at each checkpoint.
    :param deterministic_episodes: Episodes recorded with the likeliest actions at each checkpoint.
    :param mixed_episodes: Episodes recorded at each checkpoint in which actions are replaced by
        uniformly random ones, with a probability that is drawn for each episode.
    :param random_episodes: Episodes recorded with uniformly random actions.
    :param scripted: ``"module:function"`` that makes a scripted agent: ``function(env, rng)`` is
        called after each reset and returns a function from an observation to an action. For tasks
        that PPO would need hours to learn.
    :param scripted_episodes: Episodes recorded with scripted agents.
    :param cells: The plane of cost return and reward return is thinned on a grid of
        ``cells x cells``.
    :param reward_range: Reward returns to keep; the benchmark's range for its tasks, else all.
    :param cost_range: Cost returns to keep; the benchmark's range for its tasks, else all.
    :param reward_cap: Upper limit of a step's (unscaled) reward in training. It keeps reckless
        agents within ``reward_range``. ``None`` for no limit.
    :param free_share: Initial share of the training in which cost has no weight; for tasks that an
        agent would otherwise not learn at all.
    :param weight_rate: Change of an adaptive weight per training rollout and per relative excess
        of the cost over its budget.
    :param action_bits: Recorded agents act on a grid of ``2**action_bits`` equal parts of the range
        of each action, so that logs of actions are a third of the size. For bounded Box actions.
        ``None`` for actions as they are.
    :param policy: The SB3 policy of the agents; ``"auto"`` chooses by the observation space.
    :param n_envs: Environments that each agent trains in.
    :param vec_env: ``"dummy"``: all in the agent's process; ``"subproc"``: each in its own process,
        for simulators with one world per process.
    :param ppo: Further keyword arguments for SB3's ``PPO``.
    """

    env_id: str | None = None
    dataset_id: str | None = None
    cost_limit: float | None = None
    n_episodes: int = 1000
    steps_per_agent: int = 150_000
    cost_weights: tuple[float, ...] = (0.0, 0.1, 0.3, 1.0, 3.0)
    cost_budgets: tuple[tuple[float, float], ...] = ()
    checkpoints: int = 40
    stochastic_episodes: int = 5
    deterministic_episodes: int = 2
    mixed_episodes: int = 0
    random_episodes: int = 50
    scripted: str | None = None
    scripted_episodes: int = 0
    cells: int = 25
    reward_range: tuple[float, float] | None = None
    cost_range: tuple[float, float] | None = None
    reward_cap: float | None = None
    free_share: float = 0.0
    weight_rate: float = 0.5
    action_bits: int | None = None
    policy: str = "auto"
    n_envs: int = 4
    vec_env: str = "dummy"
    ppo: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("cost_weights", "cost_budgets", "reward_range", "cost_range"):
            object.__setattr__(self, name, _tuples(getattr(self, name)))
        minima = {
            "n_episodes": 1,
            "steps_per_agent": 1,
            "checkpoints": 1,
            "stochastic_episodes": 0,
            "deterministic_episodes": 0,
            "mixed_episodes": 0,
            "random_episodes": 0,
            "scripted_episodes": 0,
            "cells": 1,
            "n_envs": 1,
        }
        for name, least in minima.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= _MOST:
                raise ConfigError(
                    f"`{name}` must be an integer in [{least}, {_MOST:,}], got {value!r}"
                )
        self._check_kinds()
        self._check_texts()
        bits = self.action_bits
        if bits is not None and (type(bits) is not int or not 1 <= bits <= _MOST_BITS):
            raise ConfigError(
                f"`action_bits` must be an integer in [1, {_MOST_BITS}], got {bits!r}"
            )
        if self.n_envs > _MOST_ENVS:
            raise ConfigError(f"`n_envs` must be at most {_MOST_ENVS:,}, got {self.n_envs}")
        _check_ppo(self.ppo)
        _check_numbers("cost_weights", self.cost_weights)
        for budget in self.cost_budgets:
            _check_numbers("cost_budgets", budget, count=2)
        _check_numbers("weight_rate", (self.weight_rate,), count=1)
        _check_numbers("free_share", (self.free_share,), count=1)
        if self.free_share >= 1:
            raise ConfigError(f"`free_share` must be less than 1, got {self.free_share}")
        if self.cost_limit is not None:
            _check_numbers("cost_limit", (self.cost_limit,), count=1)
        if self.reward_cap is not None:
            _check_numbers("reward_cap", (self.reward_cap,), count=1, least=-math.inf)
        for name, bounds in (("reward_range", self.reward_range), ("cost_range", self.cost_range)):
            if bounds is None:
                continue
            _check_numbers(name, bounds, count=2, least=-math.inf)
            if not bounds[0] < bounds[1]:
                raise ConfigError(f"`{name}` must be (low, high) with low < high, got {bounds}")

    def _check_kinds(self) -> None:
        kinds = [getattr(self, f"{kind}_episodes") for kind in _OF_AGENTS]
        if (self.cost_weights or self.cost_budgets) and not any(kinds):
            names = " or ".join(f"`{kind}_episodes`" for kind in _OF_AGENTS)
            raise ConfigError(
                f"{names} must be at least 1 where `cost_weights` or `cost_budgets` train agents, "
                "got 0 of each"
            )

    def _check_texts(self) -> None:
        for name in ("env_id", "dataset_id", "scripted"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value):
                raise ConfigError(f"`{name}` must be a non-empty string, got {value!r}")
        if self.scripted is not None and not re.fullmatch(r"[\w.]+:\w+", self.scripted):
            raise ConfigError(f"`scripted` must be 'module:function', got {self.scripted!r}")
        if (self.scripted is None) != (self.scripted_episodes == 0):
            raise ConfigError(
                "`scripted` and `scripted_episodes` must be given together, got "
                f"{self.scripted!r} and {self.scripted_episodes}"
            )
        if self.policy not in _POLICIES:
            raise ConfigError(f"`policy` must be one of {list(_POLICIES)}, got {self.policy!r}")
        if self.vec_env not in _VEC_ENVS:
            raise ConfigError(f"`vec_env` must be one of {list(_VEC_ENVS)}, got {self.vec_env!r}")

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> "CollectRecipe":
        """Read a recipe.

        :param path: A TOML file whose keys are this class's fields.
        :return: The recipe; fields that the file leaves out have their defaults.
        :raises ConfigError: If the file cannot be read or is not TOML, a key is unknown, or a value
            is out of range.
        """
        try:
            entries = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"the recipe {path} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:  # of TOML, of text, of numbers
            raise ConfigError(f"{path} is not a TOML file: {error}") from error
        try:
            return cls.from_dict(entries)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> "CollectRecipe":
        """Build a recipe from plain lists and numbers, the inverse of :meth:`as_dict`.

        :param entries: Field name -> value.
        :return: The recipe.
        :raises ConfigError: If a key is unknown, or a value out of range.
        """
        known = {f.name for f in dataclasses.fields(cls)}
        unknown = sorted(set(entries) - known)
        if unknown:
            raise ConfigError(f"settings must be among {sorted(known)}, got {unknown}")
        return cls(**entries)

    def as_dict(self) -> dict[str, Any]:
        """The recipe as JSON-able values.

        :return: Field name -> value.
        """
        entries: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return entries

    def digest(self, env_id: str, seed: int) -> str:
        """The identity of a collection's intermediate results.

        :param env_id: The environment.
        :param seed: The collection's seed.
        :return: 12 hexadecimal digits.
        """
        entries = {
            name: value
            for name, value in self.as_dict().items()
            if name not in _NAMES and (name not in _LATER or value != _LATER[name])
        }
        text = json.dumps([_FORMAT, env_id, seed, entries], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _check_ppo(settings: Any) -> None:
    """The further arguments of PPO: known names, finite numbers, texts and the like."""
    if not isinstance(settings, Mapping):
        raise ConfigError(f"`ppo` must be a table of settings, got {settings!r}")
    if not settings:
        return
    from stable_baselines3 import PPO  # torch is slow to import

    known = inspect.signature(PPO).parameters.keys() - {"policy", "env", "_init_setup_model"}
    for name, value in settings.items():
        if name not in known:
            raise ConfigError(f"`ppo.{name}` is unknown; {closest(str(name), sorted(known))}")
        if isinstance(value, int | float) and not abs(value) <= _MOST:
            raise ConfigError(f"`ppo.{name}` must be a number up to {_MOST:,}, got {value!r}")
    try:
        json.dumps(dict(settings), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"`ppo` must contain only finite JSON values: {error}") from error


def _check_numbers(name: str, values: Any, *, count: int | None = None, least: float = 0.0) -> None:
    """Raise an error unless ``values`` are (``count``) numbers of at least ``least``."""
    numbers = isinstance(values, tuple) and all(type(v) in (int, float) for v in values)
    fits = numbers and all(v >= least and math.isfinite(v) for v in values)
    if not fits or count not in (None, len(values)):
        many = {None: "a list of finite numbers", 1: "a finite number"}.get(
            count, f"{count} finite numbers"
        )
        at_least = "" if least == -math.inf else f" >= {least:g}"
        found = values[0] if count == 1 else values
        raise ConfigError(f"`{name}` must be {many}{at_least}, got {found!r}")


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
