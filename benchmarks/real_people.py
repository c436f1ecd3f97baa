"""How well labels by real people are predicted that were held out.

    python benchmarks/real_people.py NAME=train.npz,eval.npz ... --env NAME=ID --json OUT

Each file holds pairs of clips: ``obs_1, obs_2`` (n, T, d), ``action_1, action_2`` (n, T, a) and
``label`` (n,): 0 if the first was preferred, 1 if the second, 0.5 for a tie. The human labels of
PreferenceTransformer, as released with Inverse Preference Learning, have this form. They are not
part of this project.

Over all pairs, five-fold: the share of decided pairs that are predicted right, with Wilson's
interval, by completed labels, by the log-ratio of PRESA, of PRESA that must learn from completed
labels, of PRESA trained longer on the labels as given (2,000 steps of cloning, 2,400 of alignment),
and of CPL. The same is shown for the second file of a set, trained on the first.

With the id of an environment, agents are trained on all answers and act in it: three seeds, 20
episodes each, the last step's weights.
"""

import argparse
import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import torch as th
from minari.data_collector import EpisodeBuffer
from numpy.typing import NDArray
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

from sb3_presa import BC, CPL, PRESA, Feedback
from sb3_presa.completion.accuracy import share_right
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.files import write_bytes
from sb3_presa.learning.phases import log_prob_of_all

N_FOLDS = 5
SEEDS, N_EPISODES = (0, 1, 2), 20
PRESAS = ("PRESA", "PRESA, completed", "PRESA, longer")
AS_GIVEN: dict[str, Any] = {
    "completion": False,
    "n_cloning_steps": 2000,
    "pretraining_share": 0.0,
    "cloning_learning_rate": 1e-3,
    "cloning_batch_size": 1024,
    "n_pairs": 32,
    "objective_kwargs": {"n_attain_steps": 300},
}


def read_pairs(files: list[Path]) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
    """
    :param files: files of pairs
    :return: the clips, two for each pair one after the other, and P(the first is preferred)
    """
    clips: list[dict[str, Any]] = []
    preferences = []
    for file in files:
        with np.load(file, allow_pickle=False) as pairs:
            for i, label in enumerate(pairs["label"]):
                for side in ("1", "2"):
                    clips.append(
                        {
                            "observations": pairs[f"obs_{side}"][i],
                            "actions": pairs[f"action_{side}"][i],
                        }
                    )
                preferences.append(1.0 - label)
    return clips, np.asarray(preferences)


def as_dataset(clips: list[dict[str, Any]], name: str) -> Transitions:
    """
    :param clips: observations and actions
    :param name: name of the dataset to write below ``MINARI_DATASETS_PATH``
    :return: its transitions
    """
    width, depth = clips[0]["observations"].shape[1], clips[0]["actions"].shape[1]
    buffers = []
    for clip in clips:
        steps = len(clip["actions"])
        observations = np.concatenate([clip["observations"], clip["observations"][-1:]])
        buffers.append(
            EpisodeBuffer(
                observations=observations.astype(np.float32),
                actions=clip["actions"].astype(np.float32),
                rewards=[0.0] * steps,
                terminations=[False] * steps,
                truncations=[False] * (steps - 1) + [True],
            )
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        minari.create_dataset_from_buffers(
            f"people/{name}-v0",
            buffers,
            observation_space=gym.spaces.Box(-np.inf, np.inf, (width,), np.float32),
            action_space=gym.spaces.Box(-1.0, 1.0, (depth,), np.float32),
        )
    return load_transitions(f"people/{name}-v0")


def train(method: str, name: str, labels: Feedback, seed: int) -> BC | CPL | PRESA:
    """
    :param method: what to train
    :param name: name of the dataset
    :param labels: labels of its clips
    :param seed: seed of the training
    :return: the trained model
    """
    common: dict[str, Any] = {"seed": seed, "device": "cpu"}
    dataset = f"people/{name}-v0"
    if method == "BC, all":
        return BC.load_offline(dataset, labels, data="all", **common).learn()
    if method == "CPL":
        return CPL.load_offline(dataset, labels, **common).learn()
    if method == "PRESA, longer":
        return PRESA.load_offline(dataset, labels, **common, **AS_GIVEN).learn(4400)
    completion = True if method == "PRESA, completed" else "auto"
    return PRESA.load_offline(dataset, labels, completion=completion, **common).learn()


def clips_of(transitions: Transitions) -> NDArray[np.int64]:
    """
    :param transitions: two clips for each pair
    :return: the clips as segments, rows of (episode id, first step, steps)
    """
    lengths = transitions.episode_lengths
    return np.stack([transitions.episode_ids, np.zeros_like(lengths), lengths], axis=1)


def label(
    transitions: Transitions, preferences: NDArray[np.float64], seen: NDArray[np.bool_]
) -> Feedback:
    """
    :param transitions: two clips for each pair
    :param preferences: P(the first is preferred) of each pair
    :param seen: which pairs are compared
    :return: their comparisons
    """
    segments = clips_of(transitions)[np.repeat(seen, 2)]
    pairs = np.arange(len(segments)).reshape(-1, 2)
    return Feedback.create(transitions, segments, None, pairs, preferences[seen])


def predictions(
    name: str, transitions: Transitions, preferences: NDArray[np.float64], seen: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """
    :param name: name of the dataset
    :param transitions: its transitions, two clips for each pair
    :param preferences: P(the first is preferred) of each pair
    :param seen: which pairs to learn from
    :return: score of the first clip less that of the second, by method, for all pairs
    """
    labels = label(transitions, preferences, seen)
    clips = [tuple(clip) for clip in clips_of(transitions).tolist()]
    merit = labels.complete(transitions).merit
    scores = {"completed labels": merit * transitions.episode_lengths}
    for method in PRESAS:
        model = train(method, name, labels, seed=0)
        assert isinstance(model, PRESA)
        scores[method] = model.preference_utility(transitions, clips)
    cpl = train("CPL", name, labels, seed=0)
    source = cpl.require_source()
    with th.no_grad():
        ratio = log_prob_of_all(cpl.policy.actor_average, source)
        ratio -= log_prob_of_all(cpl.policy.actor_reference, source)
    scores["CPL"] = np.add.reduceat(ratio.double().numpy(), transitions.episode_starts)
    return {method: score[::2] - score[1::2] for method, score in scores.items()}


def act(
    name: str, transitions: Transitions, preferences: NDArray[np.float64], env_id: str
) -> dict[str, Any]:
    """
    :param name: name of the dataset
    :param transitions: its transitions, two clips for each pair
    :param preferences: P(the first is preferred) of each pair
    :param env_id: where the agents act
    :return: mean return and length of the episodes of each seed, by method
    """
    labels = label(transitions, preferences, np.ones(len(preferences), dtype=bool))
    env = Monitor(gym.make(env_id))
    found: dict[str, Any] = {"env": env_id}
    for method in (*PRESAS, "CPL", "BC, all"):
        returns, lengths = [], []
        for seed in SEEDS:
            model = train(method, name, labels, seed)
            env.reset(seed=seed)
            of_episodes = evaluate_policy(model, env, N_EPISODES, return_episode_rewards=True)
            returns.append(float(np.mean(of_episodes[0])))
            lengths.append(float(np.mean(of_episodes[1])))
        found[method] = {"returns": returns, "lengths": lengths}
        print(name, method, returns, lengths, flush=True)
    return found


def measure(name: str, files: list[Path], env_id: str | None) -> dict[str, Any]:
    """
    :param name: name of a set
    :param files: its files of pairs
    :param env_id: where agents act, or ``None``
    :return: shares of decided pairs that were predicted right, and what the agents earn
    """
    clips, preferences = read_pairs(files)
    transitions = as_dataset(clips, name)
    n, decided = len(preferences), preferences != 0.5
    fold_of = np.random.default_rng(0).permutation(n) % N_FOLDS
    by_fold: dict[str, NDArray[np.float64]] = {}
    for fold in range(N_FOLDS):
        held = fold_of == fold
        for method, score in predictions(name, transitions, preferences, ~held).items():
            by_fold.setdefault(method, np.zeros(n))[held] = score[held]
    found: dict[str, Any] = {"pairs": n, "decided": int(decided.sum()), "five-fold": {}}
    found["five-fold"] = _shares(by_fold, preferences, decided)
    if len(files) > 1:
        first = len(read_pairs(files[:1])[1])
        seen = np.arange(n) < first
        scores = predictions(name, transitions, preferences, seen)
        found["second file"] = _shares(scores, preferences, decided & ~seen)
    if env_id is not None:
        found["agents"] = act(name, transitions, preferences, env_id)
    return found


def _shares(
    scores: dict[str, NDArray[np.float64]],
    preferences: NDArray[np.float64],
    counted: NDArray[np.bool_],
) -> dict[str, dict[str, float]]:
    shares = {}
    for method, score in scores.items():
        right = ((score > 0) == (preferences > 0.5))[counted].astype(np.float64)
        accuracy = share_right(right)
        shares[method] = {
            "right": accuracy.value,
            "low": accuracy.low,
            "high": accuracy.high,
            "n": accuracy.n,
        }
    return shares


def main() -> None:
    """Measures each set, and prints or writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", metavar="NAME=FILES")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=ID")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args()
    th.set_num_threads(1)
    found = {}
    sets = [given.partition("=")[0] for given in options.sets]
    for given in options.env:
        name, _, env_id = given.partition("=")
        if name not in sets or not env_id:
            parser.error(f"--env must be NAME=ID with the name of a set, {sets}, got {given!r}")
    envs = dict(given.split("=", 1) for given in options.env)
    with tempfile.TemporaryDirectory() as root:
        os.environ["MINARI_DATASETS_PATH"] = root
        for given in options.sets:
            name, _, files = given.partition("=")
            found[name] = measure(name, [Path(file) for file in files.split(",")], envs.get(name))
    text = json.dumps(found, indent=1)
    print(text)
    if options.json is not None:
        write_bytes(options.json, text.encode() + b"\n")


if __name__ == "__main__":
    main()
