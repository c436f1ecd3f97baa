"""SB3's ``evaluate_policy`` with costs: reward and safety of an agent."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

import gymnasium as gym
import numpy as np
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.type_aliases import PolicyPredictor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from sb3_presa.envs.tasks import find_task
from sb3_presa.errors import ConfigError
from sb3_presa.policies.policy import OfflinePolicy
from sb3_presa.policies.spaces import check_fits, check_not_normalized

EvaluationCallback = Callable[[dict[str, Any], dict[str, Any]], None]


@dataclass(frozen=True)
class SafetyEvaluation:
    """
    Reward and cost of an agent over some episodes. Returns and costs are undiscounted sums over an
    episode.

    :param reward_mean: Mean return of an episode.
    :param reward_std: Standard deviation of the returns (divided by n, as in SB3).
    :param cost_mean: Mean cost of an episode.
    :param cost_std: Standard deviation of the costs.
    :param normalized_reward: ``(reward_mean - min) / (max - min)`` with the task's references;
        ``None`` without references. Not clipped: it may be outside [0, 1].
    :param normalized_cost: ``cost_mean / cost_limit``, at most 1 for a safe agent. For a limit of
        0, it is ``(cost_mean + 1) / 1`` as in DSRL, which again is at most 1 only for a safe agent.
    :param safe: Whether ``cost_mean <= cost_limit``.
    :param safe_episode_ratio: Share of episodes, in [0, 1], whose own cost is at most the limit.
    :param cost_cvar90: Mean cost of the worst 10% of episodes, see :func:`cvar`.
    :param cost_limit: Largest cost of an episode that counts as safe.
    :param episodes: Number of episodes.
    :param episode_rewards: Return of each episode, in the order in which they ended.
    :param episode_costs: Cost of each episode, in the same order.
    :param episode_lengths: Number of steps of each episode, in the same order.
    """

    reward_mean: float
    reward_std: float
    cost_mean: float
    cost_std: float
    normalized_reward: float | None
    normalized_cost: float
    safe: bool
    safe_episode_ratio: float
    cost_cvar90: float
    cost_limit: float
    episodes: int
    episode_rewards: tuple[float, ...] = field(repr=False)
    episode_costs: tuple[float, ...] = field(repr=False)
    episode_lengths: tuple[int, ...]

    @classmethod
    def from_episodes(
        cls,
        rewards: Sequence[float],
        costs: Sequence[float],
        lengths: Sequence[int],
        *,
        cost_limit: float,
        reward_reference: tuple[float, float] | None = None,
    ) -> SafetyEvaluation:
        """
        Summarise episodes.

        :param rewards: (E,) return of each episode, finite, E >= 1.
        :param costs: (E,) cost of each episode, finite.
        :param lengths: (E,) steps of each episode.
        :param cost_limit: Largest cost of an episode that counts as safe, finite and >= 0.
        :param reward_reference: The returns that are normalised to 0 and 1 (``min, max``), if
            known.
        :return: The summary.
        :raises ConfigError: If an argument is out of its range.
        """
        check_cost_limit(cost_limit)
        if reward_reference is not None:
            check_reward_reference(reward_reference)
        if not (len(rewards) == len(costs) == len(lengths)) or len(rewards) == 0:
            raise ConfigError(
                "`rewards`, `costs` and `lengths` must have the same length of at least 1, "
                f"got {len(rewards)}, {len(costs)} and {len(lengths)}"
            )
        # VecMonitor's returns are float32; mean and deviation are computed in float64.
        rewards, costs = [float(reward) for reward in rewards], [float(cost) for cost in costs]
        for name, values in (("reward", rewards), ("cost", costs)):
            for episode, value in enumerate(values):
                if not math.isfinite(value):
                    raise ConfigError(
                        f"the {name} of an episode must be finite, got {value} (episode {episode})"
                    )
        reward_mean, cost_mean = float(np.mean(rewards)), float(np.mean(costs))
        return cls(
            reward_mean=reward_mean,
            reward_std=float(np.std(rewards)),
            cost_mean=cost_mean,
            cost_std=float(np.std(costs)),
            normalized_reward=_normalize_reward(reward_mean, reward_reference),
            normalized_cost=_normalize_cost(cost_mean, cost_limit),
            safe=cost_mean <= cost_limit,
            safe_episode_ratio=sum(cost <= cost_limit for cost in costs) / len(costs),
            cost_cvar90=cvar(costs),
            cost_limit=float(cost_limit),
            episodes=len(costs),
            episode_rewards=tuple(rewards),
            episode_costs=tuple(costs),
            episode_lengths=tuple(int(length) for length in lengths),
        )

    def as_dict(self) -> dict[str, float | int | bool | None]:
        """
        The summary without the single episodes, ready for ``json.dump``.

        :return: ``reward_mean, reward_std, cost_mean, cost_std, normalized_reward, normalized_cost,
            safe, safe_episode_ratio, cost_cvar90, episodes``: finite numbers and a flag;
            ``normalized_reward`` is ``None`` if it is unknown.
        """
        return {
            "reward_mean": self.reward_mean,
            "reward_std": self.reward_std,
            "cost_mean": self.cost_mean,
            "cost_std": self.cost_std,
            "normalized_reward": self.normalized_reward,
            "normalized_cost": self.normalized_cost,
            "safe": self.safe,
            "safe_episode_ratio": self.safe_episode_ratio,
            "cost_cvar90": self.cost_cvar90,
            "episodes": self.episodes,
        }


def evaluate_safety(
    model: PolicyPredictor,
    env: gym.Env[Any, Any] | VecEnv,
    *,
    cost_limit: float,
    n_eval_episodes: int = 20,
    deterministic: bool = True,
    render: bool = False,
    callback: EvaluationCallback | None = None,
    warn: bool = True,
    seed: int | None = None,
    reward_reference: tuple[float, float] | None = None,
) -> SafetyEvaluation:
    """
    Run the policy for ``n_eval_episodes`` episodes with SB3's ``evaluate_policy``, and sum rewards
    and costs (``info["cost"]`` of every step) of each episode. The result always holds single
    episodes, and SB3's ``return_episode_rewards`` is not needed.

    A wrapper that repeats an action must return the sum of the costs. If it returns only the last
    ``info``, the other costs are lost.

    :param model: Any object with SB3's ``predict``: an algorithm or a policy.
    :param env: A Gymnasium environment or an SB3 ``VecEnv``, with or without ``Monitor``. Every
        ``info`` must contain ``"cost"``, a finite number, 0 for a safe step.
    :param cost_limit: Largest cost of an episode that counts as safe, finite and >= 0. At 0, the
        normalised cost is ``cost_mean + 1``, as in DSRL.
    :param n_eval_episodes: Number of episodes, >= 1. The environments of a ``VecEnv`` share them
        evenly.
    :param deterministic: Whether to use the most likely actions or sampled ones.
    :param render: Whether to render each step.
    :param callback: Called after each step with ``locals()`` and ``globals()`` of
        ``evaluate_policy``, as in SB3.
    :param warn: Whether to warn if ``Monitor`` is missing.
    :param seed: Makes the results of a deterministic policy reproducible, >= 0. Each episode of a
        Gymnasium environment is reset with its own seed, derived from ``seed`` and the episode's
        index. A ``VecEnv``, which resets by itself, is seeded once, before the first episodes.
        Sampled actions depend on PyTorch's own generator, see SB3's ``set_random_seed``.
    :param reward_reference: The mean returns that are normalised to 0 and 1 (``min, max``). By
        default they are looked up in the table of benchmark tasks by the environment's id.
    :return: Means, standard deviations, normalised means, and the safe flag.
    :raises ConfigError: If an argument is out of its range, the environment's spaces differ from
        the model's, or the environment has no valid cost.
    """
    check_cost_limit(cost_limit)
    check_count("n_eval_episodes", n_eval_episodes)
    _check_can_act(model, env)
    env_id = environment_id(env)
    if reward_reference is None:
        reward_reference = task_reward_reference(env_id)
    else:
        check_reward_reference(reward_reference)
    recorder = _CostRecorder(env_id or type(env).__name__, callback)
    with _naming_wrong_steps():
        rewards, lengths = evaluate_policy(
            model,
            env if seed is None else _seeded(env, seed),
            n_eval_episodes=n_eval_episodes,
            deterministic=deterministic,
            render=render,
            callback=recorder,
            return_episode_rewards=True,
            warn=warn,
        )
    # Lists, because of return_episode_rewards; the annotation is a union.
    assert isinstance(rewards, list) and isinstance(lengths, list)
    return SafetyEvaluation.from_episodes(
        rewards,
        recorder.episode_costs,
        lengths,
        cost_limit=cost_limit,
        reward_reference=reward_reference,
    )


@contextmanager
def _naming_wrong_steps() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        if "values to unpack" not in str(error):
            raise
        raise ConfigError(
            "`env.step` must return observation, reward, terminated, truncated and info, with the "
            f'cost in info["cost"], and `env.reset` observation and info: {error}. Environments of '
            "safety-gymnasium return the cost as a sixth value; use those below presa/, or its "
            "SafetyGymnasium2Gymnasium wrapper"
        ) from error


def cvar(costs: Sequence[float], *, worst: int = 10) -> float:
    """
    Conditional value at risk: the mean of the worst episodes.

    The tail is rounded up to whole episodes: the worst 2 of 20, the worst 2 of 11, the worst one of
    5.

    :param costs: (E,) cost of each episode, E >= 1.
    :param worst: Size of the tail in percent, in 1..100.
    :return: Mean cost of the ``ceil(E * worst / 100)`` episodes with the highest costs.
    :raises ConfigError: If an argument is out of its range.
    """
    if not 1 <= worst <= 100:
        raise ConfigError(f"`worst` must be a percentage in 1..100, got {worst}")
    check_count("len(costs)", len(costs))
    tail = -(-len(costs) * worst // 100)  # ceiling division
    return float(np.mean(np.sort(np.asarray(costs, dtype=np.float64))[-tail:]))


def environment_id(env: gym.Env[Any, Any] | VecEnv) -> str | None:
    """
    :param env: A Gymnasium environment or a ``VecEnv``.
    :return: The id of the environment (of the first one in a ``VecEnv``), or ``None``.
    """
    if isinstance(env, VecEnv):
        vec_env = env.unwrapped
        if not isinstance(vec_env, DummyVecEnv):
            return _remote_environment_id(vec_env)
        env = vec_env.envs[0]
    spec = env.unwrapped.spec
    return None if spec is None else spec.id


def task_reward_reference(env_id: str | None) -> tuple[float, float] | None:
    """
    :param env_id: An environment's id, or ``None``.
    :return: The returns that the benchmark normalises to 0 and 1; ``None`` for other environments.
    """
    task = None if env_id is None else find_task(env_id)
    return None if task is None else (task.reward_min, task.reward_max)


def check_cost_limit(cost_limit: float) -> None:
    """
    :param cost_limit: Largest cost of an episode that counts as safe.
    :raises ConfigError: If it is not a finite number >= 0.
    """
    if not _is_finite_number(cost_limit) or cost_limit < 0:
        raise ConfigError(f"`cost_limit` must be a finite number >= 0, got {cost_limit!r}")


def check_reward_reference(reward_reference: Sequence[float]) -> None:
    """
    :param reward_reference: The returns that are normalised to 0 and 1.
    :raises ConfigError: If they are not two finite numbers (min, max) with min < max.
    """
    if (
        len(reward_reference) != 2
        or not all(_is_finite_number(value) for value in reward_reference)
        or not reward_reference[0] < reward_reference[1]
    ):
        raise ConfigError(
            "`reward_reference` must be two finite numbers (min, max) with min < max, "
            f"got {reward_reference!r}"
        )


def check_count(name: str, value: object) -> None:
    """
    :param name: The name of the value in the message.
    :param value: A count.
    :raises ConfigError: If it is not an integer >= 1.
    """
    if not _is_whole_number(value) or value < 1:
        raise ConfigError(f"`{name}` must be an integer >= 1, got {value!r}")


def _check_can_act(model: PolicyPredictor, env: gym.Env[Any, Any] | VecEnv | None) -> None:
    if isinstance(env, str):
        raise ConfigError(
            "`env` must be an environment or a VecEnv, got the id "
            f"{env!r}; pass gymnasium.make({env!r})"
        )
    if env is None:  # as `model.get_env()` is of a model without one
        raise ConfigError("`env` must be an environment or a VecEnv, got None")
    check_fits(model, env.observation_space, env.action_space, owner="environment")
    if isinstance(getattr(model, "policy", None), OfflinePolicy):
        check_not_normalized(env)


#: Keys that vectors of environments and Monitor add to an info.
_OF_WRAPPERS: Final = frozenset({"TimeLimit.truncated", "terminal_observation", "episode"})


class _CostRecorder:
    """
    ``evaluate_policy``'s callback: sums ``info["cost"]`` of each environment until its episode
    ends.

    It ends an episode when ``evaluate_policy`` does, so that its lists are in the same order. With
    auto-reset, the ``info`` of an episode's last step still belongs to this episode and has its
    last cost.

    :param env_name: The environment's name in messages.
    :param callback: The user's own callback, called after each step.
    """

    def __init__(self, env_name: str, callback: EvaluationCallback | None) -> None:
        self.episode_costs: list[float] = []
        self._running: dict[int, float] = {}
        self._env_name = env_name
        self._callback = callback

    def __call__(self, locals_: dict[str, Any], globals_: dict[str, Any]) -> None:
        index, info = locals_["i"], locals_["info"]
        total = self._running.get(index, 0.0) + self._cost(info)
        # With Monitor, an episode continues after "done" without a summary (a lost life in Atari).
        over = locals_["done"] and (not locals_["is_monitor_wrapped"] or "episode" in info)
        if over:
            self.episode_costs.append(total)
        self._running[index] = 0.0 if over else total
        if self._callback is not None:
            self._callback(locals_, globals_)

    def _cost(self, info: dict[str, Any]) -> float:
        if "cost" not in info:
            raise ConfigError(
                'the info of every step must contain "cost" (0 for a safe step), got the keys '
                f"{sorted(map(str, info.keys() - _OF_WRAPPERS))} (environment {self._env_name})"
            )
        try:
            cost = float(np.asarray(info["cost"], dtype=np.float64).item())
        except (TypeError, ValueError):
            cost = math.nan
        if not math.isfinite(cost):
            raise ConfigError(
                'info["cost"] of every step must be a finite number, got '
                f"{info['cost']!r} (environment {self._env_name})"
            )
        return cost


class _SeededEpisodes(gym.Wrapper[Any, Any, Any, Any]):
    """
    Seeds every reset, so that episode i does not depend on earlier episodes.

    Only a seeded reset rebuilds some simulators exactly.

    :param env: The environment.
    :param seed: The seeds of resets are derived from this one and the index of the reset.
    """

    def __init__(self, env: gym.Env[Any, Any], seed: int) -> None:
        super().__init__(env)
        self._seed = seed
        self._resets = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        if seed is None:
            seed = int(np.random.SeedSequence((self._seed, self._resets)).generate_state(1)[0])
        self._resets += 1
        return super().reset(seed=seed, options=options)


def _seeded(env: gym.Env[Any, Any] | VecEnv, seed: int) -> gym.Env[Any, Any] | VecEnv:
    if not _is_whole_number(seed) or seed < 0:
        raise ConfigError(f"`seed` must be an integer >= 0, got {seed!r}")
    if isinstance(env, VecEnv):
        env.seed(int(seed))
        return env
    return _SeededEpisodes(env, int(seed))


def _remote_environment_id(vec_env: VecEnv) -> str | None:
    """
    The id of an environment in another process, read from its description, ``<Wrapper<Env<id>>>``.

    Its spec is not requested: one that cannot be pickled (a local function as entry point) would
    end the worker process.
    """
    try:
        description = str(vec_env.env_method("__str__", indices=0)[0])
    except (AttributeError, NotImplementedError):
        return None
    found = re.search(r"<([^<> ]+)>+$", description)
    return None if found is None else found.group(1)


def _normalize_reward(reward: float, reference: tuple[float, float] | None) -> float | None:
    if reference is None:
        return None
    return float((reward - reference[0]) / (reference[1] - reference[0]))


def _normalize_cost(cost: float, limit: float) -> float:
    offset = 1.0 if limit == 0 else 0.0
    return float((cost + offset) / (limit + offset))


def _is_whole_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_finite_number(value: object) -> TypeGuard[float]:
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        return False
    return math.isfinite(value)
