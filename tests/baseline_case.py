"""What the tests of the aligned baselines share: batches by hand, and data with a known answer."""

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
import torch as th
from algorithm_data import episode, learn_quietly, stored
from minari import MinariDataset

from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.losses import PairBatch

SEEDS = range(5)
#: cost of an episode of 12 steps up to which it is safe
LIMIT = 5.0
N_STEPS = 12


def batch_of(
    log_ratio: npt.ArrayLike, p_safe: npt.ArrayLike, preference: npt.ArrayLike
) -> PairBatch:
    """Pairs of segments of 2 steps, from the log-ratio of their steps, (B, 2, 2)."""
    ratios = th.tensor(log_ratio)
    return PairBatch(
        log_ratio=ratios,
        log_prob=ratios - 1.0,
        positions=th.arange(2).expand_as(ratios),
        weights=th.ones_like(ratios),
        lengths=th.full(ratios.shape[:2], 2),
        p_safe=th.tensor(p_safe),
        preference=th.tensor(preference),
        usable=~th.tensor(preference).isnan(),
        unlabelled=th.zeros(len(ratios), dtype=th.bool),
        segment_weights=None,
    )


@pytest.fixture
def known_direction(minari_root: Any) -> MinariDataset:
    """Each episode leans somewhere: right pays 1 a step, up pays a half, and costs.

    So preferences point right and up, safety points down, and the best safe way is right and not
    up. Leans do not depend on what is seen: the clone ends in the middle.
    """
    random = np.random.default_rng(0)
    episodes = []
    for _ in range(150):
        lean = random.uniform(-0.7, 0.7, 2)
        actions = np.clip(lean + random.normal(0, 0.2, (N_STEPS, 2)), -1, 1).astype(np.float32)
        observations = random.uniform(-1, 1, (N_STEPS + 1, 3)).astype(np.float32)
        episodes.append(episode(observations, actions, rewards(actions), costs(actions)))
    return stored("known", episodes, gym.spaces.Box(-1, 1, (3,)), gym.spaces.Box(-1, 1, (2,)))


def rewards(actions: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return np.asarray(actions[:, 0] + 0.5 * actions[:, 1], dtype=np.float64)


def costs(actions: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return (actions[:, 1] > 0.1).astype(np.float64)


def actions_of(
    algorithm: Any, dataset: MinariDataset, seed: int, **kwargs: Any
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What a trained model and its clone do on 100 observations, (100, 2) each."""
    feedback = Feedback.synthetic(dataset, 300, cost_limit=LIMIT, seed=seed)
    settings: dict[str, Any] = {
        "n_cloning_steps": 80,
        "cloning_learning_rate": 1e-2,
        "cloning_batch_size": 64,
        "learning_rate": 3e-3,
        "n_pairs": 16,
        "n_segment_steps": N_STEPS,
        "average_decay": 0.9,
        "policy_kwargs": {"net_arch": [16]},
        "seed": seed,
        "device": "cpu",
    }
    model = algorithm.load_offline(dataset, feedback, **(settings | kwargs))
    learn_quietly(model, 200)
    observations = np.random.default_rng(1).uniform(-1, 1, (100, 3)).astype(np.float32)
    trained, _ = model.predict(observations, deterministic=True)
    reference = model.policy.actor_reference
    with th.no_grad():
        clone = reference.head.mode(reference(th.as_tensor(observations))).numpy()
    return trained, clone


def moved(algorithm: Any, dataset: MinariDataset, seed: int, **kwargs: Any) -> tuple[float, float]:
    """How far training moves the mean action from that of the clone: to the right, and up."""
    trained, clone = actions_of(algorithm, dataset, seed, **kwargs)
    assert (abs(clone.mean(0)) < 0.15).all(), "cloning is in the middle"
    right, up = (trained - clone).mean(0).tolist()
    return right, up
