"""The job of a worker process: train one agent of a collection and record it."""

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from sb3_presa.collect.playing import own_end, play_episode
from sb3_presa.collect.recipe import CollectRecipe
from sb3_presa.errors import ConfigError
from sb3_presa.files import atomic_path, check_archive
from sb3_presa.workers import Report

# An adaptive weight never exceeds this many times the scaled reward of one step.
_MAX_WEIGHT = 10.0
# Share of the training before a moving budget starts to move: the agent learns the task first.
_HOLD = 0.25
# The purposes of a job's random numbers.
_TRAINING, _CHOICES, _RANDOM_ACTIONS, _EPISODES = range(4)


@dataclass(frozen=True)
class Job:
    """One agent to train and record, or the random or scripted episodes.

    :param index: The job's number; its random numbers depend only on it and on ``seed``.
    :param kind: ``"random"``, ``"weight"``, ``"budget"`` or ``"scripted"``.
    :param setting: The weight, the budget's start and end, or the number of scripted episodes;
        empty for random ones.
    :param env_id: The environment.
    :param seed: The collection's seed.
    :param reward_scale: Scales the reward of a very good agent to about 1 per step.
    :param max_cost: The largest cost return of interest; scales the excess over a budget.
    :param recipe: The collection's recipe.
    """

    index: int
    kind: str
    setting: tuple[float, ...]
    env_id: str
    seed: int
    reward_scale: float
    max_cost: float
    recipe: CollectRecipe

    @property
    def training_seed(self) -> int:
        """The seed of the agent and of its training environments."""
        return self._seed(_TRAINING)

    @property
    def random_action_seed(self) -> int:
        """The seed of the actions that are drawn from the action space."""
        return self._seed(_RANDOM_ACTIONS)

    @property
    def rng(self) -> np.random.Generator:
        """The random numbers of scripted agents, and of how often an agent acts randomly."""
        return np.random.default_rng(self._random(_CHOICES))

    def episode_seed(self, episode: int) -> int:
        """The seed of a recorded episode's reset.

        :param episode: Number of episodes recorded before.
        :return: The seed, in [0, 2**31).
        """
        return self._seed(_EPISODES, episode)

    def _random(self, *key: int) -> np.random.SeedSequence:
        # Not a list of seeds: NumPy ignores zeros at its end. The first recorded episode would
        # begin as a training environment does, and as an episode of an evaluation with this seed.
        return np.random.SeedSequence(self.seed, spawn_key=(self.index, *key))

    def _seed(self, *key: int) -> int:
        return int(self._random(*key).generate_state(1)[0] % 2**31)  # PPO takes no larger one

    @property
    def steps(self) -> int:
        """Environment steps that the job trains for."""
        return self.recipe.steps_per_agent if self.kind in ("weight", "budget") else 0


@dataclass
class Recorder:
    """Records whole episodes, each with its own reset seed.

    :param env: The environment to record in.
    :param job: The job that the episodes belong to.
    """

    env: gym.Env[Any, Any]
    job: Job
    episodes: list[dict[str, Any]] = field(default_factory=list)
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = self.job.rng
        self.env.action_space.seed(self.job.random_action_seed)

    def record(
        self, act: Callable[[Any], Any], *, trained_steps: int, deterministic: bool = False
    ) -> None:
        """Record one episode.

        :param act: Observation -> action inside the space.
        :param trained_steps: Steps that the agent has trained for.
        :param deterministic: Whether ``act`` gives the agent's most likely action.
        """
        seed = self.job.episode_seed(len(self.episodes))
        bits = self.job.recipe.action_bits
        if bits is not None:
            act = _on_grid(act, self.env.action_space, bits)
        self.episodes.append(
            {
                **play_episode(self.env, seed, act),
                "trained_steps": trained_steps,
                "deterministic": deterministic,
            }
        )

    def save(self, path: Path, seconds: float) -> None:
        """Write the episodes atomically: a file that exists is complete.

        :param path: The ``.npz`` file.
        :param seconds: Duration of the job.
        """
        columns: dict[str, npt.NDArray[Any]] = {
            key: np.concatenate([episode[key] for episode in self.episodes])
            for key in ("observations", "actions", "rewards", "costs")
        }
        for key in ("terminated", "seed", "trained_steps", "deterministic"):
            columns[key] = np.asarray([episode[key] for episode in self.episodes])
        columns["length"] = np.asarray([len(episode["rewards"]) for episode in self.episodes])
        columns["seconds"] = np.asarray(seconds)
        with atomic_path(path, check_archive) as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **columns)


def _on_grid(act: Callable[[Any], Any], space: Any, bits: int) -> Callable[[Any], Any]:
    """An agent whose actions are the nearest of ``2**bits + 1`` even steps between the bounds."""
    low = space.low.astype(np.float64)
    part = (space.high.astype(np.float64) - low) / 2**bits

    def rounded(observation: Any) -> Any:
        steps = np.round((np.asarray(act(observation), dtype=np.float64) - low) / part)
        return (low + steps.clip(0, 2**bits) * part).astype(space.dtype)

    return rounded


class CostPenalty(gym.Wrapper[Any, Any, Any, Any]):
    """Reward an agent with its scaled reward minus a weight times its cost.

    It may run in another process: the trainer calls :meth:`charge` and :meth:`finished_costs`
    through the vectorised environment.

    :param env: The environment.
    :param job: The job that the agent is trained for.
    :param weight: The initial weight of the cost.
    """

    def __init__(self, env: gym.Env[Any, Any], job: Job, weight: float) -> None:
        super().__init__(env)
        self._scale, cap = job.reward_scale, job.recipe.reward_cap
        self._reward_cap = np.inf if cap is None else cap
        self._weight, self._cost = weight, 0.0
        self._finished: list[float] = []

    def charge(self, weight: float) -> None:
        """Set the weight of the cost for the following steps.

        :param weight: The weight of the cost.
        """
        self._weight = weight

    def finished_costs(self) -> list[float]:
        """Cost returns of the episodes that ended since the last call.

        :return: One per episode.
        """
        finished, self._finished = self._finished, []
        return finished

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        self._cost = 0.0
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Step the environment and subtract the weighted cost from the reward."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        observation, info = own_end(observation, info)
        cost = float(info["cost"])
        self._cost += cost
        if terminated or truncated:
            self._finished.append(self._cost)
        scaled = self._scale * min(float(reward), self._reward_cap)
        # Divided by 1 + weight, so that the size of the returns does not grow with the weight.
        charged = (scaled - self._weight * cost) / (1 + self._weight)
        return observation, charged, terminated, truncated, info


@dataclass
class CostWeight:
    """The weight of the cost in training; fixed, or adapting to a budget.

    :param job: The job whose ``kind`` is one of the two.
    :param episode_costs: Cost returns of the episodes that ended since the last update.
    """

    job: Job
    weight: float = 0.0
    episode_costs: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.update(progress=0.0)

    def update(self, progress: float) -> None:
        """Adapt the weight to the episodes that ended since the last call.

        :param progress: Completed share of the training, in [0, 1].
        """
        free = progress < self.job.recipe.free_share
        if self.job.kind == "weight" and not free:
            self.weight = self.job.setting[0]
        elif self.job.kind == "budget" and not free and self.episode_costs:
            start, end = self.job.setting
            hold = max(_HOLD, self.job.recipe.free_share)
            swept = float(np.clip((progress - hold) / (1 - hold), 0, 1))
            budget = start + (end - start) * swept
            excess = (float(np.mean(self.episode_costs)) - budget) / self.job.max_cost
            moved = self.weight + self.job.recipe.weight_rate * excess
            self.weight = float(np.clip(moved, 0.0, _MAX_WEIGHT))
        self.episode_costs.clear()


def prepare_jobs(report: Report) -> Callable[[tuple[Job, Path]], None]:
    """Prepare a worker.

    :param report: Called with the environment steps trained since the last call.
    :return: Does a job and writes the file of its episodes.
    """
    return lambda item: run_job(*item, report)


def run_job(job: Job, path: Path, report: Report) -> None:
    """Do a job and write its episodes.

    :param job: The job.
    :param path: The ``.npz`` file to write.
    :param report: Called with the environment steps trained since the last call.
    """
    started = time.perf_counter()
    env = gym.make(job.env_id)
    recorder = Recorder(env, job)
    if job.kind == "random":
        for _ in range(job.recipe.random_episodes):
            recorder.record(lambda _: env.action_space.sample(), trained_steps=0)
    elif job.kind == "scripted":
        _record_scripted(recorder)
    else:
        _train(job, recorder, report)
    recorder.save(path, time.perf_counter() - started)
    env.close()


def load_scripted(name: str) -> Callable[..., Callable[[Any], Any]]:
    """The function that makes scripted agents.

    :param name: ``"module:function"``.
    :return: The function.
    :raises ConfigError: If it is not there.
    """
    module, _, function = name.partition(":")
    try:
        made: Callable[..., Callable[[Any], Any]] = getattr(
            importlib.import_module(module), function
        )
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"`scripted` must name a function that can be imported, got {name!r}: {error}"
        ) from error
    return made


def _record_scripted(recorder: Recorder) -> None:
    assert recorder.job.recipe.scripted is not None
    make = load_scripted(recorder.job.recipe.scripted)

    class Scripted:
        """An agent that is made at the first observation, and so after the reset."""

        act: Callable[[Any], Any] | None = None

        def __call__(self, observation: Any) -> Any:
            if self.act is None:
                self.act = make(recorder.env, recorder.rng)
            return self.act(observation)

    for _ in range(int(recorder.job.setting[0])):
        recorder.record(Scripted(), trained_steps=0)


def _train(job: Job, recorder: Recorder, report: Report) -> None:
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

    from sb3_presa.policies.spaces import fitting_policy

    torch.set_num_threads(1)
    weight = CostWeight(job)
    initial = weight.weight  # a number, since the lambda is sent to other processes
    env = make_vec_env(
        job.env_id,
        job.recipe.n_envs,
        seed=job.training_seed,
        vec_env_cls=SubprocVecEnv if job.recipe.vec_env == "subproc" else DummyVecEnv,
        wrapper_class=lambda env: CostPenalty(env, job, initial),
    )
    try:
        policy = job.recipe.policy
        policy = fitting_policy(env.observation_space) if policy == "auto" else policy
        model = PPO(policy, env, seed=job.training_seed, device="cpu", **job.recipe.ppo)
        model.learn(job.steps, callback=_callback(job, recorder, weight, report))
    finally:
        env.close()


def _callback(job: Job, recorder: Recorder, weight: CostWeight, report: Report) -> Any:
    """The SB3 callback that records checkpoints and adapts the weight (SB3 is imported here)."""
    from stable_baselines3.common.callbacks import BaseCallback

    class Record(BaseCallback):
        """Record the agent between two rollouts, so that its own exploration is not disturbed."""

        due, reported, recorded = 0.0, 0, 0

        def _on_step(self) -> bool:
            return True

        def _on_rollout_start(self) -> None:
            if self.num_timesteps >= self.due:
                self._record()
                self.due += job.steps / job.recipe.checkpoints

        def _on_training_end(self) -> None:
            if self.recorded < job.recipe.checkpoints:  # there were too few rollouts
                self._record()

        def _record(self) -> None:
            _record_checkpoint(self.model, recorder, self.num_timesteps)
            self.recorded += 1

        def _on_rollout_end(self) -> None:
            for finished in self.training_env.env_method("finished_costs"):
                weight.episode_costs += finished
            weight.update(self.num_timesteps / job.steps)
            self.training_env.env_method("charge", weight.weight)
            # The last rollout may exceed the requested steps.
            done = min(self.num_timesteps, job.steps)
            report(done - self.reported)
            self.reported = done

    return Record()


def _record_checkpoint(model: Any, recorder: Recorder, trained_steps: int) -> None:
    recipe = recorder.job.recipe
    for random_share in (0.0,) * recipe.stochastic_episodes + (None,) * recipe.mixed_episodes:
        if model.use_sde:
            model.policy.reset_noise()
        recorder.record(_sampler(model, recorder, random_share), trained_steps=trained_steps)
    for _ in range(recipe.deterministic_episodes):
        recorder.record(
            lambda observation: _action(model, observation, deterministic=True),
            trained_steps=trained_steps,
            deterministic=True,
        )
    if model.use_sde:
        model.policy.reset_noise(model.n_envs)


def _sampler(model: Any, recorder: Recorder, random_share: float | None) -> Callable[[Any], Any]:
    """Sampled actions of an agent; a share of them is random (the share is drawn if ``None``)."""
    share = recorder.rng.random() if random_share is None else random_share

    def act(observation: Any) -> Any:
        if share and recorder.rng.random() < share:
            return recorder.env.action_space.sample()
        return _action(model, observation)

    return act


def _action(model: Any, observation: Any, deterministic: bool = False) -> Any:
    """An action of an agent: of a Discrete space a number, and no array without dimensions."""
    return model.predict(observation, deterministic=deterministic)[0][()]
