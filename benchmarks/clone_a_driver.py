"""What cloning keeps of a careful driver: its cost on SafetyPointGoal1, and that of its clone.

The driver steers by a potential field: the goal draws it, hazards push it off. It has one manner,
is a function of what it sees, and hardly ever touches a hazard. Its clone has nothing to choose
between, so what it costs is lost by cloning, not by labels. The script prints also how far the
clone is from the driver: in the driver's states, and in those that the clone gets into.
"""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from minari.data_collector import EpisodeBuffer
from stable_baselines3.common.monitor import Monitor

from sb3_presa import BC, evaluate_safety
from sb3_presa.data.minari_store import write_dataset

ENV = "sb3_presa:presa/SafetyPointGoal1-v0"
COST_LIMIT = 40.0
# Of an observation.
VELOCITY, GOAL, HAZARDS = slice(3, 5), slice(12, 28), slice(28, 44)
SIGHT = 0.9  # metres, within which hazards push; a lidar reads 0 at 3 m, and 1 at no distance
BEARINGS = (np.arange(16) + 0.5) * 2 * np.pi / 16
DIRECTIONS = np.stack([np.cos(BEARINGS), np.sin(BEARINGS)], axis=1)

Array = npt.NDArray[np.floating]


def drive(observation: Array, turned: float = 0.0) -> npt.NDArray[np.float32]:
    """
    :param observation: of a Point that seeks a goal among hazards
    :param turned: radians by which the driver takes the goal to be off where it is
    :return: push ahead, and turn
    """
    bearing = np.arctan2(*(observation[GOAL] @ DIRECTIONS)[::-1]) + turned
    goal = np.array([np.cos(bearing), np.sin(bearing)])
    nearness = np.clip(1 - 3 * (1 - observation[HAZARDS]) / SIGHT, 0, 1)
    in_the_way = nearness * np.maximum(0, DIRECTIONS @ goal)
    wish = goal - (in_the_way + nearness**2) @ DIRECTIONS - observation[VELOCITY]
    action = np.clip([0.5 * wish[0], 2 * wish[1]], [-0.5, -1], [0.5, 1])
    return np.asarray(action, dtype=np.float32)


class Wander:
    """What a driver is off its course by: a random walk that is drawn back to none.

    :param radians: its standard deviation
    :param rng: moves it
    """

    def __init__(self, radians: float, rng: np.random.Generator) -> None:
        self._radians, self._rng = radians, rng
        self._now = radians * rng.normal()

    def __call__(self) -> float:
        """
        :return: radians, at the next step; correlated over about 50
        """
        self._now += -self._now / 50 + self._radians * np.sqrt(2 / 50) * self._rng.normal()
        return float(self._now)


def record(env: gym.Env, seed: int, act: Callable[[Array], Array]) -> EpisodeBuffer:
    """
    :param env: where to drive
    :param seed: seed of the layout
    :param act: observation -> action
    :return: an episode
    """
    observation, _ = env.reset(seed=seed)
    observations, actions, rewards, costs = [observation], [], [], [0.0]
    truncated = False
    while not truncated:
        actions.append(act(observation))
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


def greedy(agent: BC, observation: Array) -> Array:
    """
    :param agent: a trained agent
    :param observation: what it sees
    :return: its mean action
    """
    return agent.predict(observation, deterministic=True)[0]


def off(clone: BC, episodes: list[EpisodeBuffer]) -> float:
    """
    :param clone: a clone of the driver
    :param episodes: in whose states they are compared
    :return: mean squared difference of the turns of clone and driver; turns lie in [-1, 1]
    """
    states = np.concatenate([episode.observations[:-1] for episode in episodes])
    turns = np.stack([drive(state)[1] for state in states])
    return float(np.mean((greedy(clone, states)[:, 1] - turns) ** 2))


def main() -> None:
    """Prints the two costs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--episodes", type=int, default=50, help="that the driver drives")
    parser.add_argument("--steps", type=int, default=600, help="of each")
    parser.add_argument("--wander", type=float, default=0.0, help="radians off the course, about")
    parser.add_argument("--noise", type=float, default=0.0, help="deviation of noise on its turns")
    parser.add_argument("--clones", type=int, default=3)
    arguments = parser.parse_args()
    env = gym.make(ENV, max_episode_steps=arguments.steps)
    rng = np.random.default_rng(0)

    def drives(seed: int) -> EpisodeBuffer:
        turned = Wander(arguments.wander, rng)

        def act(observation: Array) -> Array:
            action = drive(observation, turned())
            action[1] = np.clip(action[1] + arguments.noise * rng.normal(), -1, 1)
            return action

        return record(env, seed, act)

    episodes = [drives(1000 + i) for i in range(arguments.episodes)]
    unseen = [drives(2000 + i) for i in range(10)]
    cost = 1000 * np.mean([episode.infos["cost"].mean() for episode in episodes])
    reward = 1000 * np.mean([np.mean(episode.rewards) for episode in episodes])
    print(f"the driver: cost {cost:.1f}, reward {reward:.1f} in 1,000 steps")
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
            own = [record(env, 2000 + i, partial(greedy, clone)) for i in range(10)]
            print(
                f"clone {seed}: cost {result.cost_mean:.1f}, reward {result.reward_mean:.1f}; "
                f"its turns off the driver's by {off(clone, unseen):.3f} in the driver's states, "
                f"by {off(clone, own):.3f} in its own"
            )


if __name__ == "__main__":
    main()
