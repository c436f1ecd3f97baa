"""The columns of a cell's row of results."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from warnings import WarningMessage

import numpy as np

from sb3_presa.benchmark.engine.data_identity import (
    COLUMN,
    FEEDBACK_COLUMN,
    data_hash,
    feedback_hash,
)
from sb3_presa.benchmark.suites.cell import Cell, Labels

if TYPE_CHECKING:
    from minari import MinariDataset

    from sb3_presa.benchmark.engine.shared_cloning import Seconds
    from sb3_presa.evaluation.safety import SafetyEvaluation
    from sb3_presa.feedback.table import Feedback
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm


def identity_columns(cell: Cell) -> dict[str, Any]:
    """
    :param cell: a cell
    :return: the columns with its names, which change if the suite renames them
    """
    return {
        "task": cell.task,
        "dataset": cell.dataset,
        "cost_limit": cell.cost_limit,
        "algorithm": cell.algorithm,
        "seed": cell.seed,
        "study": cell.study,
        "key": cell.key,
    }


def outcome_columns(
    cell: Cell,
    dataset: "MinariDataset",
    result: "SafetyEvaluation",
    reference: tuple[str, float, float],
) -> dict[str, Any]:
    """
    :param cell: a cell
    :param dataset: its dataset
    :param result: evaluation of its agent
    :param reference: the reward reference: its kind, and the returns of 0 and 1
    :return: names, reward and cost
    """
    from sb3_presa.data.episodes import load_outcomes

    outcomes = load_outcomes(dataset, missing_costs="nan")
    returns = outcomes.episode_returns
    safe = returns[outcomes.episode_costs <= cell.cost_limit]
    own = float(returns.min()), float(returns.max())
    kind, low, high = reference
    if kind == "own":
        low, high = own
    named = identity_columns(cell)
    normalized = _normalized(result.reward_mean, low, high)
    first = ("task", "dataset", "cost_limit", "algorithm", "seed")
    return {
        **{name: named.pop(name) for name in first},
        "reward_mean": result.reward_mean,
        "cost_mean": result.cost_mean,
        "normalized_reward": normalized,
        "normalized_cost": result.normalized_cost,
        "safe": result.safe,
        "safe_episode_ratio": result.safe_episode_ratio,
        "cost_cvar90": result.cost_cvar90,
        **named,
        "reward_std": result.reward_std,
        "cost_std": result.cost_std,
        "reward_reference": kind,
        "dsrl_normalized_reward": normalized if kind == "dsrl" else None,
        "own_range_reward": _normalized(result.reward_mean, *own),
        # The ceiling of an agent that imitates whole episodes
        "best_safe_reward": _normalized(float(safe.max()), *own) if len(safe) else None,
        "env": cell.env,
        "class": cell.class_name,
    }


def option_columns(cell: Cell, horizon: int) -> dict[str, Any]:
    """
    :param cell: a cell
    :param horizon: steps of an episode of its task
    :return: the options of training, evaluation and labels
    """
    return {
        "settings": json.dumps(dict(cell.settings), sort_keys=True),
        "steps": cell.steps,
        "n_episodes": cell.n_episodes,
        "device": cell.device,
        **_label_options(cell.labels, horizon),
        "horizon": horizon,
    }


def _label_options(labels: Labels, horizon: int) -> dict[str, Any]:
    """The options of synthetic labels, or the name of people's labels."""
    options = asdict(labels) | {"segment_length": labels.length_of_segments(horizon)}
    completed = {"completed": int(labels.completed)}  # a number, as what other sweeps vary
    if labels.feedback is not None:
        return dict.fromkeys(options) | {"feedback": labels.feedback} | completed
    return options | completed


def data_columns(cell: Cell, reads_outcomes: bool) -> dict[str, str | None]:
    """
    :param cell: a cell
    :param reads_outcomes: whether its algorithm reads true rewards and costs, and no labels
    :return: hashes of the dataset and of labels beside it
    """
    named = None if reads_outcomes else cell.labels.feedback
    return {
        COLUMN: data_hash(cell.dataset),
        FEEDBACK_COLUMN: None if named is None else feedback_hash(cell.dataset, named),
    }


def label_columns(feedback: "Feedback | None") -> dict[str, Any]:
    """
    :param feedback: labels of a cell, ``None`` for an agent that reads none
    :return: statistics of the labels
    """
    if feedback is None:
        shares: dict[str, float | None] = dict.fromkeys(("safe", "ties", "winner_safe"))
        return {"n_segments": None, "n_preferences": None} | {
            f"share_{name}": share for name, share in shares.items()
        }
    known = feedback.p_safe[~np.isnan(feedback.p_safe)]
    decided = feedback.preferences != 0.5
    first = feedback.preferences > 0.5
    winners = np.where(first, feedback.comparisons[:, 0], feedback.comparisons[:, 1])[decided]
    return {
        "n_segments": len(feedback.segments),
        "n_preferences": len(feedback.comparisons),
        "share_safe": _mean(known > 0.5),
        "share_ties": _mean(~decided),
        "share_winner_safe": _mean(feedback.p_safe[winners] > 0.5),
    }


def learnt_columns(model: "OfflineAlgorithm") -> dict[str, Any]:
    """
    :param model: a trained agent
    :return: its steps, and what became of its constraint
    """
    objective = getattr(model, "objective", None)
    return {
        "trained_steps": model.num_timesteps,
        "multiplier": _number(getattr(objective, "multiplier", None)),
        "delta": _number(getattr(objective, "delta", None)),
    }


def time_columns(training: "Seconds", total: "Seconds", spared: "Seconds") -> dict[str, float]:
    """
    :param training: time of the training
    :param total: and of the evaluation
    :param spared: time of a shared cloning phase, which the agent did not run itself
    :return: the times that the agent alone would have taken
    """
    return {
        "train_wall_seconds": round(training.wall + spared.wall, 2),
        "train_cpu_seconds": round(training.cpu + spared.cpu, 2),
        "wall_seconds": round(total.wall + spared.wall, 2),
        "cpu_seconds": round(total.cpu + spared.cpu, 2),
    }


def summary(caught: Sequence[WarningMessage]) -> str:
    """
    :param caught: warnings
    :return: each ``UserWarning`` once, in one line
    """
    texts = [" ".join(str(w.message).split()) for w in caught if w.category is UserWarning]
    return "; ".join(dict.fromkeys(text[:200] for text in texts))


def _normalized(value: float, low: float, high: float) -> float | None:
    return (value - low) / (high - low) if high > low else None


def _mean(values: Any) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
