"""A verdict on an agent without a simulator: from logs and labels, and from nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from sb3_presa.completion.accuracy import Accuracy, Bin, as_json, share_right
from sb3_presa.completion.auc import auc
from sb3_presa.completion.estimating import completion_of
from sb3_presa.completion.features import Floats
from sb3_presa.completion.fitting import FittedLabels, fit_labels
from sb3_presa.data.datasets import DatasetLike, dataset_horizon, resolve_dataset
from sb3_presa.data.episodes import load_endings
from sb3_presa.data.names import coordinate_names
from sb3_presa.errors import FeedbackError
from sb3_presa.evaluation.judge.actions import Agent, check_agent
from sb3_presa.evaluation.judge.conformal import Threshold, check_alpha, conformal_threshold
from sb3_presa.evaluation.judge.distance import Unlike, unlike_logged
from sb3_presa.evaluation.judge.imagined import World
from sb3_presa.evaluation.judge.moments import Moment, worst_moments
from sb3_presa.evaluation.judge.outlook import Outlook, outlook
from sb3_presa.feedback.holdout import split_feedback
from sb3_presa.feedback.table import Feedback
from sb3_presa.policies.spaces import check_fits

#: One seed for all agents: the folds of the labels must not change with an agent's training.
_SEED: Final = 0

Word = Literal["safe", "unsafe", "undecided"]


@dataclass(frozen=True, eq=False)
class Labels:
    """
    Models of the labels of a dataset, made once for all of its agents.

    :param fitted: the models
    :param terminated: whether the task ended at the end of each episode, (E,)
    :param horizon: steps of a full episode
    :param action_names: names of the coordinates of an action; empty where nobody knows
    :param of_log: share of the logged episodes that are safe; ``None`` without safety labels
    :param comparisons: accuracy on comparisons that the models have not seen
    :param area: AUC on safety labels that they have not seen
    :param calibration: predicted shares of "safe" beside those that were seen
    :param base_rate: share of the safety labels that say "safe"; NaN without
    :param threshold: P(safe) from which on few segments are unsafe
    """

    fitted: FittedLabels
    world: World | None
    horizon: int
    action_names: tuple[str, ...]
    of_log: float | None
    comparisons: Accuracy
    area: Accuracy
    calibration: tuple[Bin, ...]
    base_rate: float
    threshold: Threshold | None

    @classmethod
    def read(cls, dataset: DatasetLike, feedback: str | Feedback, alpha: float = 0.1) -> "Labels":
        """
        :param dataset: a Minari dataset, its id, or the path of its folder
        :param feedback: labels, or their name
        :param alpha: see :func:`conformal_threshold`
        :return: models of the labels
        :raises FeedbackError: if there are no labels
        :raises ConfigError: if ``alpha`` is out of (0, 1)
        """
        check_alpha(alpha)
        opened = resolve_dataset(dataset)
        if isinstance(feedback, str):
            feedback = Feedback.load(opened, feedback)
        fitted = fit_labels(opened, feedback, seed=_SEED)
        found = completion_of(fitted)
        given = fitted.labels.p_safe
        known = ~np.isnan(given)
        unseen = known & ~np.isnan(found.label_p_safe)
        horizon = dataset_horizon(opened)
        return cls(
            fitted=fitted,
            world=World.learn(fitted, load_endings(opened).terminated, horizon)
            if known.any()
            else None,
            horizon=horizon,
            action_names=coordinate_names(opened, "actions"),
            of_log=None if found.p_safe is None else float(found.p_safe.mean()),
            comparisons=found.preference_accuracy,
            area=auc(found.label_p_safe[unseen], given[unseen]),
            calibration=found.calibration("safety") if unseen.any() else (),
            base_rate=float(given[known].mean()) if known.any() else float("nan"),
            threshold=conformal_threshold(found.label_p_safe[unseen], given[unseen], alpha)
            if unseen.any()
            else None,
        )

    def require_safety(self) -> None:
        """:raises FeedbackError: if there are no safety labels"""
        if self.of_log is None:
            raise FeedbackError("`feedback` must hold safety labels to choose by, got none")


@dataclass(frozen=True, eq=False)
class Verdict:
    """
    The verdict of labels and logs on an agent.

    :param name: name of the agent
    :param labels: the models of the labels
    :param agreement: share of the comparisons that its log-ratio against its reference orders as
        people did; ``None`` for an agent without a reference
    :param held_out: whether these comparisons were held out from its training
    :param outlook: what its episodes are expected to come to; ``None`` without safety labels
    :param unlike: where it leaves the data
    :param moments: logged moments that it would take worst, worst first
    """

    name: str
    labels: Labels = field(repr=False)
    agreement: Accuracy | None
    held_out: bool
    outlook: Outlook | None
    unlike: Unlike | None
    moments: tuple[Moment, ...]

    @property
    def word(self) -> Word:
        """:return: ``"safe"`` or ``"unsafe"`` where the whole interval of P(safe) is beyond 0.5"""
        world = self.labels.world
        if self.outlook is None or world is None or not self.labels.area.low > 0.5:
            return "undecided"
        if not world.follows.low > 0.0:
            return "undecided"
        p_safe = self.outlook.p_safe
        if p_safe.low > 0.5:
            return "safe"
        return "unsafe" if p_safe.high < 0.5 else "undecided"

    @property
    def passes(self) -> bool:
        """:return: whether its P(safe) reaches the conformal threshold"""
        threshold = self.labels.threshold
        return (
            self.outlook is not None
            and threshold is not None
            and self.outlook.p_safe.value > threshold.value
        )

    def as_dict(self) -> dict[str, Any]:
        """
        The verdict without what was imagined, ready for ``json.dump``.

        :return: ``name, verdict, passes``; ``p_safe, logged_p_safe, risk, reward, agreement,
            held_out, comparisons, safety_auc, replays, unlike, threshold, moments``. A number with
            an interval is a dict of ``value, low, high``, with ``n`` where labels were counted.
            What is unknown is ``None``
        """
        found, labels, world = self.outlook, self.labels, self.labels.world
        return {
            "name": self.name,
            "verdict": self.word,
            "passes": self.passes,
            "p_safe": as_json(None if found is None else found.p_safe),
            "logged_p_safe": None if found is None else found.of_log,
            "risk": as_json(None if found is None else found.risk),
            "reward": as_json(None if found is None else found.merit),
            "agreement": as_json(self.agreement),
            "held_out": self.held_out,
            "comparisons": as_json(labels.comparisons),
            "safety_auc": as_json(labels.area),
            "replays": as_json(None if world is None else world.follows),
            "unlike": as_json(None if self.unlike is None else self.unlike.share),
            "threshold": as_json(labels.threshold),
            "moments": [
                {"episode": int(one.episode), "step": int(one.step), "risk": float(one.risk)}
                for one in self.moments
            ],
        }


def labels_for(
    agents: Iterable[object],
    dataset: DatasetLike,
    feedback: str | Feedback,
    alpha: float = 0.1,
    labels: Labels | None = None,
) -> Labels:
    """
    Models of labels, which take a while: made after a look at the agents.

    :param agents: those that are to be judged
    :param dataset: the labelled dataset
    :param feedback: the labels, or the name of the set beside the dataset
    :param alpha: see :func:`conformal_threshold`
    :param labels: the models, if they were made before
    :return: the models
    :raises DatasetError: if an agent has other spaces than the data
    """
    judged_on = resolve_dataset(dataset) if labels is None else labels.fitted.transitions
    for agent in agents:
        check_fits(agent, judged_on.observation_space, judged_on.action_space)
    return Labels.read(dataset, feedback, alpha) if labels is None else labels


def judge(
    agent: Agent,
    dataset: DatasetLike,
    feedback: str | Feedback = "default",
    *,
    name: str = "agent",
    labels: Labels | None = None,
) -> Verdict:
    """
    A verdict on an agent from logs and labels, without a simulator. Rewards and costs are not read.

    :param agent: any object with SB3's ``predict``
    :param dataset: the labelled dataset: a Minari id, a path or an open dataset
    :param feedback: the labels, or the name of the set beside the dataset
    :param name: what the page calls the agent
    :param labels: ``Labels.read(dataset, feedback)``, to judge several agents by the same models
    :return: the verdict
    :raises ConfigError: if the agent has other spaces than the dataset, or no ``predict``
    :raises DatasetError: if the dataset cannot be used
    :raises FeedbackError: if there are no labels
    """
    check_agent(agent, "agent")
    labels = labels_for([agent], dataset, feedback, labels=labels)
    fitted = labels.fitted
    transitions = fitted.transitions
    agreement, held_out = _agreement(agent, fitted)
    found, unlike = None, None
    moments: tuple[Moment, ...] = ()
    if labels.world is not None and labels.of_log is not None:
        found = outlook(agent, labels.world, labels.horizon, labels.of_log)
        unlike = unlike_logged(transitions, agent, labels.action_names)
        moments = worst_moments(fitted, found)
    return Verdict(name, labels, agreement, held_out, found, unlike, moments)


def _agreement(agent: Any, fitted: FittedLabels) -> tuple[Accuracy | None, bool]:
    """Accuracy of the agent itself on comparisons; only those that were held out, if any."""
    feedback = fitted.feedback
    if not hasattr(agent, "preference_utility") or not len(feedback.comparisons):
        return None, False
    held_out = False
    if agent.validation_fraction > 0.0:
        apart = split_feedback(feedback, agent.validation_fraction, agent.data_seed)[1]
        # With labels of other episodes since then, it would be another draw
        held_out = agent.trained_on.get("held_out_comparisons") == len(apart.comparisons)
        feedback = apart if held_out else feedback
    decided = feedback.preferences != 0.5
    if not decided.any():
        return share_right(np.zeros(0)), held_out
    utility: Floats = agent.preference_utility(fitted.transitions, feedback.segments.tolist())
    first, second = feedback.comparisons[decided].T
    margin = np.sign(feedback.preferences[decided] - 0.5) * (utility[first] - utility[second])
    return share_right((margin > 0.0) + 0.5 * (margin == 0.0)), held_out
