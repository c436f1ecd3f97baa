"""From an unsafe agent to a safe one: PPO that earns reward only, then a few hundred labels.

    MINARI_DATASETS_PATH=datasets python examples/safe_from_agent.py

PPO learns SafetyBallCircle for reward. It explores around its own actions for 100 episodes, which
are put beside the logs of ``presa/ball-circle-v0`` (``make datasets``). Labels of clips of both say
which clip is better and which is safe: here they are made from rewards and costs, in your place a
person gives them. ``PRESA.from_agent`` starts from PPO and aligns it.
"""

import argparse
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import torch as th
from minari.data_collector import EpisodeBuffer
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from sb3_presa import PRESA, Feedback, evaluate_safety
from sb3_presa.data.minari_store import write_dataset

ENV = "presa/SafetyBallCircle-v0"
COST_LIMIT = 20.0


class Normalised:
    """PPO with the statistics that its observations were normalised with."""

    def __init__(self, agent: PPO, statistics: VecNormalize) -> None:
        self.agent, self.statistics = agent, statistics

    def predict(self, observation: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """As SB3's, of raw observations."""
        return self.agent.predict(self.statistics.normalize_obs(observation), *args, **kwargs)


def train(seed: int, n_steps: int) -> Normalised:
    """An agent that knows of rewards only."""
    env = VecNormalize(DummyVecEnv([lambda: gym.make(ENV)] * 4))
    agent = PPO("MlpPolicy", env, seed=seed, n_steps=512, batch_size=256, gamma=0.98, device="cpu")
    agent.learn(n_steps)
    env.training = False
    return Normalised(agent, env)


def explore(agent: Normalised, seed: int, n_episodes: int) -> list[EpisodeBuffer]:
    """Episodes of the agent with noise that drifts, so that clips of them differ."""
    env, random = gym.make(ENV), np.random.default_rng(seed)
    episodes = []
    for number in range(n_episodes):
        scale, drift = random.uniform(0.0, 1.0), np.zeros(2)
        observation, info = env.reset(seed=10_000 + 1_000 * seed + number)
        steps: dict[str, list[Any]] = {"observations": [observation], "cost": [0.0]}
        end = False
        while not end:
            drift = 0.9 * drift + 0.4 * scale * random.normal(size=2)
            action, _ = agent.predict(observation, deterministic=True)
            action = np.clip(action + drift, -1.0, 1.0).astype(np.float32)
            observation, reward, terminated, truncated, info = env.step(action)
            end = terminated or truncated
            row = (observation, action, reward, terminated, truncated, info["cost"])
            names = ("observations", "actions", "rewards", "terminations", "truncations", "cost")
            for name, value in zip(names, row, strict=True):
                steps.setdefault(name, []).append(value)
        arrays = {name: np.asarray(values) for name, values in steps.items()}
        cost = arrays.pop("cost")
        episodes.append(EpisodeBuffer(**arrays, infos={"cost": cost}))
    return episodes


def together(own: list[EpisodeBuffer], logs: str, folder: Path) -> minari.MinariDataset:
    """The agent's own episodes, then those of the logs."""
    found = minari.load_dataset(logs)
    others = [
        EpisodeBuffer(
            observations=episode.observations,
            actions=episode.actions,
            rewards=episode.rewards,
            terminations=episode.terminations,
            truncations=episode.truncations,
            infos={"cost": episode.infos["cost"]},
        )
        for episode in found.iterate_episodes()
    ]
    return write_dataset(
        "own/ball-circle-v0",
        [*own, *others],
        observation_space=found.observation_space,
        action_space=found.action_space,
        root=folder,
    )


def scores(agent: Any, seed: int) -> dict[str, float]:
    """Twenty episodes in the simulator."""
    env = gym.make(ENV)
    found = evaluate_safety(
        agent, env, cost_limit=COST_LIMIT, n_eval_episodes=20, seed=seed, warn=False
    )
    return {
        "reward": round(found.reward_mean, 1),
        "cost": round(found.cost_mean, 2),
        "safe episodes": found.safe_episode_ratio,
    }


def main() -> None:
    """Train, label, align, evaluate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--logs", default="presa/ball-circle-v0", help="the dataset beside its own")
    parser.add_argument("--comparisons", type=int, default=300, help="pairs of clips to label")
    parser.add_argument("--ppo-steps", type=int, default=150_000)
    parser.add_argument("--steps", type=int, default=2_500, help="gradient steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--agent", help="a PPO of an earlier run, with its statistics beside it")
    parser.add_argument("--json", type=Path, help="also write the results here")
    arguments = parser.parse_args()
    th.set_num_threads(1)
    seed = arguments.seed
    if arguments.agent is None:
        agent = train(seed, arguments.ppo_steps)
    else:
        env = DummyVecEnv([lambda: gym.make(ENV)])
        statistics = VecNormalize.load(f"{arguments.agent}.pkl", env)
        statistics.training = False
        agent = Normalised(PPO.load(arguments.agent, device="cpu"), statistics)
    with tempfile.TemporaryDirectory() as folder:
        dataset = together(explore(agent, seed, 100), arguments.logs, Path(folder))
        labels = Feedback.synthetic(
            dataset, arguments.comparisons, 40, cost_limit=COST_LIMIT, seed=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = PRESA.from_agent(
                agent.agent,
                dataset,
                labels,
                vec_normalize=agent.statistics,
                learning_rate=1e-3,
                cloning_learning_rate=1e-3,
                anchor_coef=10.0,
                seed=seed,
                device="cpu",
            )
        model.learn(arguments.steps)
    result = {
        "seed": seed,
        "comparisons": len(labels.comparisons),
        "safety labels": int(np.isfinite(labels.p_safe).sum()),
        "before": scores(agent, 500 + seed),
        "after": scores(model, 500 + seed),
    }
    print(json.dumps(result, indent=2))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
