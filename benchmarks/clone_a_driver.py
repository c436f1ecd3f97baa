"""What cloning keeps of a careful driver: its cost on SafetyPointGoal1, and that of its clone.

The driver of ``sb3_presa.envs.safety_driver`` keeps clear of hazards, always in the same manner.
Its clone has nothing to choose between, so what it costs more is lost by cloning, not by labels.
"""

import argparse
import tempfile

import gymnasium as gym
import numpy as np
from minari.data_collector import EpisodeBuffer
from stable_baselines3.common.monitor import Monitor

from sb3_presa import BC, evaluate_safety
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.envs.safety_driver import goal_driver

ENV = "sb3_presa:presa/SafetyPointGoal1-v0"
COST_LIMIT = 40.0


def record(env: gym.Env, seed: int, manner: tuple[float, float, float]) -> EpisodeBuffer:
    """
    :param env: where to drive
    :param seed: seed of the layout
    :param manner: the driver's strength, damping and clearance
    :return: an episode
    """
    observation, _ = env.reset(seed=seed)
    observations, actions, rewards, costs = [observation], [], [], [0.0]
    drive, truncated = goal_driver(env, *manner), False
    while not truncated:
        actions.append(drive(observation))
        observation, reward, _, truncated, info = env.step(actions[-1])
        observations.append(observation)
        rewards.append(float(reward))
        costs.append(info["cost"])
    n = len(actions)
    return EpisodeBuffer(
        seed=seed,
        observations=np.stack(observations),
        actions=np.stack(actions),
        rewards=np.array(rewards),
        terminations=np.zeros(n, dtype=bool),
        truncations=np.arange(n) == n - 1,
        infos={"cost": np.array(costs)},
    )


def main() -> None:
    """Prints the two costs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--episodes", type=int, default=50, help="that the driver drives")
    parser.add_argument("--steps", type=int, default=600, help="of each")
    parser.add_argument("--clones", type=int, default=3)
    arguments = parser.parse_args()
    env = gym.make(ENV, max_episode_steps=arguments.steps)
    manner = (0.3, 1.5, 0.4)
    episodes = [record(env, 1000 + i, manner) for i in range(arguments.episodes)]
    cost = np.mean([episode.infos["cost"].mean() for episode in episodes])
    print(f"the driver: cost {1000 * cost:.1f} in 1,000 steps")
    with tempfile.TemporaryDirectory() as root:
        dataset = write_dataset(
            "presa/driver-v0",
            episodes,
            observation_space=env.observation_space,
            action_space=env.action_space,
            root=root,
        )
        for seed in range(arguments.clones):
            clone = BC.load_offline(dataset, seed=seed, device="cpu")
            clone.learn()
            result = evaluate_safety(
                clone, Monitor(gym.make(ENV)), cost_limit=COST_LIMIT, n_eval_episodes=20, seed=seed
            )
            print(f"clone {seed}: cost {result.cost_mean:.1f}, reward {result.reward_mean:.1f}")


if __name__ == "__main__":
    main()
