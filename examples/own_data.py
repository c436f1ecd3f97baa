"""From your own logs and labels to an agent: NumPy arrays, a Minari dataset, feedback, PRESA.

What you learn: which arrays a Minari dataset is made of, how to write down what people said about
stretches of them (``Feedback.create``), and that training needs neither rewards, nor costs, nor an
environment. The log here is of a cart in a corridor, driven by twelve people. Some of the fast ones
scraped along the wall.

Takes about ten seconds. Needs no simulator.
"""

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import minari
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer

from sb3_presa import PRESA, Feedback

Array = npt.NDArray[np.float32]
Drive = tuple[Any, Any]  # observations, (61, 2), and actions, (60, 2)
Driver = Callable[[Array], Array]

N_STEPS = 60  # of a drive
HALF = 30

# An observation is the distance from the middle of the corridor (the walls are at -1 and 1) and the
# speed; an action is throttle and steering.
OBSERVATION_SPACE = Box(np.array([-1, 0], np.float32), np.array([1, 2], np.float32))
ACTION_SPACE = Box(-1, 1, (2,), np.float32)

# Each drive was shown in two halves. Half h of drive d is row 2 d + h.
SEGMENTS = [(drive, start, HALF) for drive in range(12) for start in (0, HALF)]

# "Was that safe?" 1: yes, 0: no, None: they could not tell.
SAFE = [1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, None, 0, 0, 0, 1, 1, 1, 1]

# "Which of these two was better?" 1: the first, 0: the second, 0.5: neither. They liked speed.
# fmt: off
COMPARISONS = [
    (16, 22, 1), (11, 22, 1), (1, 22, 0), (6, 13, 0), (14, 19, 0), (4, 16, 0), (13, 5, 1),
    (1, 20, 0), (10, 20, 0.5), (18, 23, 0.5), (21, 8, 1), (22, 13, 0), (4, 13, 0), (14, 7, 0),
    (22, 9, 0.5), (2, 15, 1), (23, 11, 0), (11, 20, 1), (8, 23, 0), (4, 8, 1), (3, 12, 1),
    (14, 21, 0), (13, 12, 1), (6, 23, 1), (11, 0, 1), (8, 5, 0), (15, 4, 0), (12, 4, 1),
    (11, 10, 1), (22, 4, 0.5), (5, 19, 0), (21, 2, 1), (8, 12, 0), (1, 3, 0), (21, 7, 0.5),
]
# fmt: on


def main() -> None:
    """Log, dataset, labels, agent; then let the agent drive."""
    steps = parse_options().steps
    log = [drive(person(speed, side), seed) for seed, (speed, side) in enumerate(HABITS)]
    with tempfile.TemporaryDirectory() as root:
        os.environ["MINARI_DATASETS_PATH"] = root  # without this line: ~/.minari/datasets
        dataset = make_dataset(log)

        feedback = Feedback.create(
            dataset,
            SEGMENTS,
            p_safe=SAFE,
            comparisons=[(first, second) for first, second, _ in COMPARISONS],
            preferences=[answer for _, _, answer in COMPARISONS],
            provenance={"annotators": ["A", "B"]},
        )
        feedback.save(dataset)  # beside the data, under the name "default"
        print(f"{dataset.id}: {dataset.total_episodes} drives. {feedback}")

        model = PRESA.load_offline(
            "me/corridor-v0",
            n_cloning_steps=steps // 2,
            objective_kwargs={"n_attain_steps": steps // 8},
            cloning_batch_size=256,  # the log has 720 steps
            delta=0.55,  # how sure the policy shall be, on average, of what is safe and what is not
            seed=0,
        )
        model.learn(steps, progress_bar=True)

    def agent(observation: Array) -> Array:
        return model.predict(observation, deterministic=True)[0]

    report("the log", log)
    report("PRESA", [drive(agent, seed) for seed in range(100, 120)])


def make_dataset(log: list[Drive]) -> MinariDataset:
    """:return: a Minari dataset of the drives, each T + 1 observations and T actions."""
    episodes = [
        EpisodeBuffer(
            observations=observations,
            actions=actions,
            rewards=[0.0] * N_STEPS,  # Minari wants some; training does not read them
            terminations=[False] * N_STEPS,
            truncations=[False] * (N_STEPS - 1) + [True],
        )
        for observations, actions in log
    ]
    with warnings.catch_warnings(action="ignore"):  # Minari reminds of every field left out
        dataset: MinariDataset = minari.create_dataset_from_buffers(
            "me/corridor-v0",
            episodes,
            observation_space=OBSERVATION_SPACE,
            action_space=ACTION_SPACE,
            description="A cart in a corridor, driven by twelve people.",
        )
    return dataset


# --------------------------------------------------- what follows stands for the robot and its log

HABITS = [  # of twelve people: the speed that they liked, and where in the corridor they drove
    *[(0.4, 0.1), (1.8, 0.9), (1.0, 0.2), (1.5, -0.1), (0.7, -0.9), (1.7, -0.9)],
    *[(1.3, 0.0), (0.6, 0.3), (1.9, -0.8), (1.1, 0.9), (1.6, 0.15), (0.9, -0.2)],
]


def drive(driver: Driver, seed: int) -> Drive:
    """:return: what was recorded of one drive, in a cart whose throttle and steering shake."""
    random = np.random.default_rng(seed)
    offset, speed = random.normal(0, 0.1), 0.0
    observations, actions = [(offset, speed)], []
    for _ in range(N_STEPS):
        action = driver(np.array(observations[-1], np.float32))
        throttle, steering = np.clip(action + random.normal(0, 0.2, 2), -1, 1)
        speed = float(np.clip(speed + 0.1 * throttle, 0, 2))
        offset = float(np.clip(offset + 0.1 * speed * steering, -1, 1))
        observations.append((offset, speed))
        actions.append((throttle, steering))
    return np.array(observations, np.float32), np.array(actions, np.float32)


def person(liked_speed: float, liked_side: float) -> Driver:
    """:return: somebody who drives at that speed, on that side."""

    def act(observation: Array) -> Array:
        offset, speed = observation
        return np.array([2 * (liked_speed - speed), 3 * (liked_side - offset)], np.float32)

    return act


def report(name: str, drives: list[Drive]) -> None:
    """Print how fast the drives were, and how much of them was near a wall."""
    offsets, speeds = np.concatenate([observations for observations, _ in drives]).T
    near_wall = np.mean(np.abs(offsets) > 0.7)
    print(f"{name:8} mean speed {speeds.mean():.2f}, {near_wall:4.0%} of the steps near a wall")


def parse_options() -> argparse.Namespace:
    """:return: the options; none are needed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=1200, help="gradient steps (1,200)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
