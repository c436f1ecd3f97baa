"""Which of several agents to use, without a simulator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sb3_presa.completion.accuracy import as_json
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.errors import ConfigError
from sb3_presa.evaluation.judge.actions import Agent, check_agent
from sb3_presa.evaluation.judge.conformal import check_alpha
from sb3_presa.evaluation.judge.verdict import Labels, Verdict, judge, labels_for
from sb3_presa.feedback.table import Feedback

#: P(safe) that no agent exceeds, with as many imagined episodes as there are.
_HIGHEST: Final = 0.99


@dataclass(frozen=True, eq=False)
class Choice:
    """
    :param name: name of the chosen agent
    :param passes: whether its P(safe) reaches the threshold; otherwise it is the one with the
        highest P(safe), and no agent here is known to be safe
    :param verdicts: all verdicts by name
    :param labels: what they rest on, the threshold among it
    """

    name: str
    passes: bool
    verdicts: Mapping[str, Verdict]
    labels: Labels

    def as_dict(self) -> dict[str, Any]:
        """
        The choice, ready for ``json.dump``.

        :return: ``chosen, passes, threshold`` and ``agents``, a list of :meth:`Verdict.as_dict`
        """
        return {
            "chosen": self.name,
            "passes": self.passes,
            "threshold": as_json(self.labels.threshold),
            "agents": [verdict.as_dict() for verdict in self.verdicts.values()],
        }

    def __str__(self) -> str:
        threshold = self.labels.threshold
        assert threshold is not None
        chosen = self.verdicts[self.name].outlook
        assert chosen is not None
        stands = (
            f"an unsafe segment reaches {threshold.value:.2f} with a probability of at most "
            f"{threshold.alpha:g}, if it is drawn as the {threshold.n} labelled unsafe ones were"
        )
        if self.passes:
            return f"{self.name}: P(safe) {chosen.p_safe}; {stands}."
        if threshold.value > _HIGHEST:
            return (
                f"{self.name}: P(safe) {chosen.p_safe} is the highest, and no agent can pass: "
                f"{stands}. Too many of these are predicted to be safe, or they are too few: "
                "correct labels in doubt, label more, or choose a higher alpha."
            )
        return f"{self.name}: P(safe) {chosen.p_safe} is the highest, but too low: {stands}."


def choose(
    agents: Mapping[str, Agent],
    dataset: DatasetLike,
    feedback: str | Feedback = "default",
    *,
    alpha: float = 0.1,
    labels: Labels | None = None,
) -> Choice:
    """
    The agent with the highest predicted reward among those whose predicted share of safe episodes
    is above a conformal threshold; where none is, the one that is most likely safe.

    :param agents: agents by name, at least one
    :param dataset: the labelled dataset
    :param feedback: the labels, or the name of the set beside the dataset
    :param alpha: probability, in (0, 1), with which a segment that people would call unsafe may
        reach the threshold; that of ``labels`` where they are given
    :param labels: ``Labels.read(dataset, feedback, alpha)``, if they were read before
    :return: the choice
    :raises ConfigError: if there are no agents, one has no ``predict`` or no name, or ``alpha``
        is out of its range
    :raises FeedbackError: if there are no safety labels
    """
    if not isinstance(agents, Mapping):
        raise ConfigError(
            "`agents` must be a dict of names and agents, as {'bold': model}, got "
            f"{type(agents).__name__}"
        )
    for name, agent in agents.items():
        check_agent(agent, f"agents[{name!r}]")
    if not agents:
        raise ConfigError("`agents` must hold at least one agent, got none")
    check_alpha(alpha)
    labels = labels_for(agents.values(), dataset, feedback, alpha, labels)
    labels.require_safety()
    verdicts = {
        name: judge(agent, dataset, feedback, name=name, labels=labels)
        for name, agent in agents.items()
    }
    return choose_among(verdicts, labels)


def choose_among(verdicts: Mapping[str, Verdict], labels: Labels) -> Choice:
    """
    :param verdicts: verdicts by name, all of ``labels``
    :param labels: what they rest on, with safety labels
    :return: the choice
    """

    def reward(name: str) -> float:
        found = verdicts[name].outlook
        assert found is not None
        return found.p_safe.value if found.merit is None else found.merit.value

    def safety(name: str) -> float:
        found = verdicts[name].outlook
        assert found is not None
        return found.p_safe.value

    passing = [name for name, verdict in verdicts.items() if verdict.passes]
    if passing:
        return Choice(max(passing, key=reward), True, verdicts, labels)
    return Choice(max(verdicts, key=safety), False, verdicts, labels)
