"""Summary of a dataset and its feedback, as numbers and as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from minari import MinariDataset
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sb3_presa.data.datasets import (
    DatasetLike,
    dataset_horizon,
    resolve_dataset,
    reward_reference,
)
from sb3_presa.data.episodes import load_outcomes, load_transitions
from sb3_presa.data.names import coordinate_names, observation_names
from sb3_presa.data.transitions import Outcomes
from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.newer_answers import Unmerged, unmerged_answers
from sb3_presa.feedback.table import Feedback, align_and_warn

#: Names of coordinates that are listed.
_MOST_NAMES = 40


@dataclass(frozen=True)
class Distribution:
    """Minimum, quartiles, maximum and mean of one number per episode."""

    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float
    mean: float

    @classmethod
    def of(cls, values: npt.NDArray[np.float64]) -> "Distribution":
        """The distribution of ``(n,)`` values, n >= 1."""
        low, lower, middle, upper, high = np.percentile(values, (0, 25, 50, 75, 100)).tolist()
        return cls(low, lower, middle, upper, high, float(values.mean()))


@dataclass(frozen=True)
class FeedbackSummary:
    """One set of feedback, restricted to the episodes of the dataset.

    :param name: its name.
    :param source: the origin of the labels.
    :param segments: number of segments.
    :param lengths: steps of the shortest and of the longest segment.
    :param safe: segments labelled safe, ``p_safe > 0.5``.
    :param unsafe: segments labelled unsafe, ``p_safe < 0.5``.
    :param unsure: segments with ``p_safe`` exactly 0.5.
    :param unlabelled: segments without a safety label.
    :param comparisons: number of comparisons.
    :param ties: comparisons with a preference of 0.5.
    :param conflicting: share of comparisons in which the preferred segment is unsafe and the other
        one safe, among those without a tie whose two segments are labelled safe or unsafe; None
        without such comparisons.
    :param cost_limit: the cost limit of the labels, if the provenance has one.
    :param episode_agreement: share of the segments labelled safe or unsafe whose label equals that
        of their whole episode (safe: its cost is at most ``cost_limit``); None without costs or
        limit.
    :param problem: why the set cannot be used with this dataset; all other fields are then empty.
    """

    name: str
    source: str = ""
    segments: int = 0
    lengths: tuple[int, int] = (0, 0)
    safe: int = 0
    unsafe: int = 0
    unsure: int = 0
    unlabelled: int = 0
    comparisons: int = 0
    ties: int = 0
    conflicting: float | None = None
    cost_limit: float | None = None
    episode_agreement: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class DatasetSummary:
    """A dataset and its feedback in numbers.

    :param dataset_id: its Minari id.
    :param env_id: the recorded environment, None if there is none.
    :param episodes: number of episodes with at least one step.
    :param steps: number of steps.
    :param horizon: steps of a full episode.
    :param lengths: of the episodes, in steps.
    :param observation_space: as text.
    :param action_space: as text.
    :param returns: undiscounted reward returns of the episodes.
    :param costs: undiscounted cost returns, None if the dataset does not record all costs.
    :param reference: the returns that normalise to 0 and 1, None if unknown.
    :param feedback: every set of feedback beside the data, by name.
    :param unmerged: answers of people beside the data that no feedback holds, by name.
    :param observation_names: names and units of coordinates by the key of a Dict space or ``""``;
        empty where the dataset does not say.
    :param action_names: names and units of the coordinates of actions.
    :param reward_name: name and unit of the reward.
    :param cost_name: name and unit of the cost.
    """

    dataset_id: str
    env_id: str | None
    episodes: int
    steps: int
    horizon: int
    lengths: Distribution
    observation_space: str
    action_space: str
    returns: Distribution
    costs: Distribution | None
    reference: tuple[float, float] | None
    feedback: tuple[FeedbackSummary, ...]
    unmerged: tuple[Unmerged, ...] = ()
    observation_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    action_names: Sequence[str] = ()
    reward_name: str = ""
    cost_name: str = ""


def summarize(dataset: DatasetLike) -> DatasetSummary:
    """Measure a dataset and the feedback beside it.

    :param dataset: a Minari id, a path or an open dataset; costs and an environment may be missing.
    :return: the numbers. Feedback that cannot be used is reported, not raised.
    :raises DatasetError: if the dataset cannot be read.
    """
    dataset = resolve_dataset(dataset)
    outcomes = load_outcomes(dataset, missing_costs="nan")
    costs = outcomes.episode_costs
    return DatasetSummary(
        dataset_id=dataset.id,
        env_id=dataset.env_spec.id if dataset.env_spec is not None else None,
        episodes=len(outcomes.episode_ids),
        steps=len(outcomes.rewards),
        horizon=dataset_horizon(dataset),
        lengths=Distribution.of(outcomes.episode_lengths.astype(np.float64)),
        observation_space=str(dataset.observation_space),
        action_space=str(dataset.action_space),
        returns=Distribution.of(outcomes.episode_returns),
        costs=None if np.isnan(costs).any() else Distribution.of(costs),
        reference=reward_reference(dataset),
        feedback=tuple(_summarize_all_feedback(dataset, outcomes)),
        unmerged=tuple(unmerged_answers(dataset)),
        observation_names=observation_names(dataset),
        action_names=coordinate_names(dataset, "actions"),
        reward_name=", ".join(coordinate_names(dataset, "reward")),
        cost_name=", ".join(coordinate_names(dataset, "cost")),
    )


def _summarize_all_feedback(dataset: MinariDataset, outcomes: Outcomes) -> list[FeedbackSummary]:
    names = Feedback.names(dataset)
    transitions = load_transitions(dataset) if names else None
    found = []
    for name in names:
        assert transitions is not None
        try:
            feedback = align_and_warn(Feedback.load(dataset, name), dataset, transitions)
        except FeedbackError as error:
            found.append(FeedbackSummary(name, problem=str(error)))
        else:
            found.append(summarize_feedback(name, feedback, outcomes))
    return found


def summarize_feedback(name: str, feedback: Feedback, outcomes: Outcomes) -> FeedbackSummary:
    """Measure one set of feedback.

    :param name: its name.
    :param feedback: labels, aligned with the dataset of ``outcomes``.
    :param outcomes: the dataset's rewards and costs; costs may be NaN.
    :return: the numbers.
    """
    p_safe, lengths = feedback.p_safe, feedback.segments[:, 2]
    limit = feedback.provenance.get("cost_limit")
    cost_limit = float(limit) if isinstance(limit, int | float) else None
    return FeedbackSummary(
        name=name,
        source=str(feedback.provenance.get("source", "unknown")),
        segments=len(p_safe),
        lengths=(int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0),
        safe=int(np.sum(p_safe > 0.5)),
        unsafe=int(np.sum(p_safe < 0.5)),
        unsure=int(np.sum(p_safe == 0.5)),
        unlabelled=int(np.sum(np.isnan(p_safe))),
        comparisons=len(feedback.comparisons),
        ties=int(np.sum(feedback.preferences == 0.5)),
        conflicting=_conflicting(feedback),
        cost_limit=cost_limit,
        episode_agreement=_episode_agreement(feedback, outcomes, cost_limit),
    )


def _conflicting(feedback: Feedback) -> float | None:
    first_wins = feedback.preferences[:, None] > 0.5
    pairs = feedback.p_safe[feedback.comparisons]
    preferred = np.where(first_wins, pairs, pairs[:, ::-1])
    decided = feedback.preferences != 0.5
    decided &= (~np.isnan(pairs) & (pairs != 0.5)).all(axis=1)
    if not decided.any():
        return None
    conflicting = (preferred[decided, 0] < 0.5) & (preferred[decided, 1] > 0.5)
    return float(conflicting.mean())


def _episode_agreement(
    feedback: Feedback, outcomes: Outcomes, cost_limit: float | None
) -> float | None:
    costs = outcomes.episode_costs
    labelled = ~np.isnan(feedback.p_safe) & (feedback.p_safe != 0.5)
    if cost_limit is None or np.isnan(costs).any() or not labelled.any():
        return None
    order = np.argsort(outcomes.episode_ids)
    sorted_ids = outcomes.episode_ids[order]
    episodes = order[np.searchsorted(sorted_ids, feedback.segments[labelled, 0])]
    return float(np.mean((costs[episodes] <= cost_limit) == (feedback.p_safe[labelled] > 0.5)))


def render_summary(summary: DatasetSummary) -> RenderableType:
    """A summary as text for the terminal.

    :param summary: the result of :func:`summarize`.
    :return: a renderable for ``rich.print``.
    """
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    rows = {
        "dataset": summary.dataset_id,
        "environment": summary.env_id or "not recorded",
        "episodes": f"{summary.episodes:,}",
        "steps": f"{summary.steps:,} (a full episode has {summary.horizon})",
        "observations": summary.observation_space,
        **{
            f"  of '{key}'" if key else "  namely": _listed(names)
            for key, names in summary.observation_names.items()
        },
        "actions": summary.action_space,
        **({"  being": _listed(summary.action_names)} if summary.action_names else {}),
        "references": (
            "none" if summary.reference is None else "{:g} to {:g}".format(*summary.reference)
        ),
    }
    for name, value in rows.items():
        facts.add_row(name, Text(value))
    return Group(facts, Text(), _render_distributions(summary), Text(), _render_feedback(summary))


def _render_distributions(summary: DatasetSummary) -> Table:
    table = Table("per episode", "min", "25%", "median", "75%", "max", "mean", box=None)
    measured = {
        f"reward return{_unit(summary.reward_name)}": summary.returns,
        f"cost return{_unit(summary.cost_name)}": summary.costs,
        "steps": summary.lengths,
    }
    for name, found in measured.items():
        if found is None:
            table.add_row(Text(name), "no costs")
        else:
            table.add_row(Text(name), *(_number(value) for value in vars(found).values()))
    return table


def _render_feedback(summary: DatasetSummary) -> RenderableType:
    if not summary.feedback:
        return Group(Text("no feedback"), *_render_answers(summary))
    sets = [found for found in summary.feedback if found.problem is None]
    table = Table("feedback", *(found.name for found in sets), box=None)
    lines: dict[str, Any] = {
        "source": lambda found: found.source,
        "segments": lambda found: f"{found.segments:,}",
        "segment steps": lambda found: _range(*found.lengths),
        "safe / unsafe": lambda found: f"{found.safe:,} / {found.unsafe:,}",
        "unsure / not labelled": lambda found: f"{found.unsure:,} / {found.unlabelled:,}",
        "comparisons (ties)": lambda found: f"{found.comparisons:,} ({found.ties:,})",
        "preferred is unsafe, other safe": lambda found: _share(found.conflicting),
        "cost limit": lambda found: _number(found.cost_limit),
        "label equals episode's": lambda found: _share(found.episode_agreement),
    }
    for name, describe in lines.items():
        table.add_row(name, *(Text(describe(found)) for found in sets))
    problems = [
        Text(f"feedback '{found.name}' cannot be used: {found.problem}")
        for found in summary.feedback
        if found.problem is not None
    ]
    return Group(*([table] if sets else []), *problems, *_render_answers(summary))


def _render_answers(summary: DatasetSummary) -> list[Text]:
    lines = []
    for found in summary.unmerged:
        answers, (new, taken_back) = found.answers, found.missing
        if answers.standing is None:
            lines.append(f"'{answers.name}': {answers.damage}")
            continue
        merged = "none" if found.into is None else f"{len(answers.standing) - new:,}"
        since = f", {taken_back:,} taken back since" if taken_back else ""
        lines.append(
            f"'{answers.name}': {answers.words} of people, {merged} of them merged{since}: "
            f"{found.command}"
        )
    return [Text(line) for line in lines]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _unit(name: str) -> str:
    """The unit of a heading such as ``"energy [J]"``, with its brackets."""
    _, bracket, unit = name.partition(" [")
    return f"{bracket}{unit}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.5g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"


def _range(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"
