"""One cell of a benchmark: an agent to train and evaluate, as plain data."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

#: Names and resources of a cell do not change its results.
_NOT_IDENTITY = frozenset({"study", "task", "algorithm", "cpus", "gpus", "trust"})


@dataclass(frozen=True)
class Labels:
    """
    A cell's feedback: options of ``Feedback.synthetic``, or the name of stored feedback.

    :param n_comparisons: number of pairs of segments
    :param segment_length: steps of a segment; ``None`` is the task's horizon // ``length_divisor``
    :param length_divisor: divisor of the horizon, if ``segment_length`` is ``None``
    :param flip_preferences: share of flipped preferences
    :param flip_safety: share of flipped safety labels
    :param unlabelled_preferences: share of comparisons that are left out
    :param unlabelled_safety: share of segments without a safety label
    :param completed: whether the algorithm is given labels of all of the data that are estimated
        from these
    :param feedback: name of the dataset's stored feedback, in place of all options before
        ``completed``
    """

    n_comparisons: int = 5000
    segment_length: int | None = None
    length_divisor: int = 1
    flip_preferences: float = 0.0
    flip_safety: float = 0.0
    unlabelled_preferences: float = 0.0
    unlabelled_safety: float = 0.0
    completed: bool = False
    feedback: str | None = None

    def length_of_segments(self, horizon: int) -> int:
        """
        :param horizon: steps of an episode of the task
        :return: steps of a segment
        """
        return self.segment_length or horizon // self.length_divisor


@dataclass(frozen=True)
class Cell:
    """
    An agent: its task, algorithm, labels and evaluation.

    :param task: name of the task in the suite and in reports
    :param dataset: id or folder of its Minari dataset
    :param cost_limit: cost limit of an episode, for the labels and for the evaluation
    :param algorithm: name of the algorithm in reports
    :param class_name: its class, one of ``sb3_presa.ALGORITHMS`` or ``package.module:Class``
    :param seed: seed of labels, training and (shifted) evaluation
    :param env: environment to evaluate in; ``None`` is the dataset's own
    :param settings: arguments of the class
    :param labels: its feedback
    :param steps: gradient steps; ``None`` is the class's own number
    :param n_episodes: episodes of the evaluation
    :param device: device of the training, ``"cpu"`` or ``"cuda"``
    :param study: ``"main"``, or the key that its sweep varies
    :param cpus: number of processors that it uses
    :param gpus: number of GPUs, or a share of one, that it uses
    :param trust: whether its dataset may name any code as its environment
    """

    task: str
    dataset: str
    cost_limit: float
    algorithm: str
    class_name: str
    seed: int
    env: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    labels: Labels = field(default_factory=Labels)
    steps: int | None = None
    n_episodes: int = 20
    device: str = "cpu"
    study: str = "main"
    cpus: float = 1.0
    gpus: float = 0.0
    trust: bool = False

    @property
    def key(self) -> str:
        """
        :return: a permanent name of the cell. It depends only on values that affect its results.
            Defaults are left out, so that options that are added later do not change keys.
        """
        identity = _changes(self, _NOT_IDENTITY)
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        dataset = re.sub(r"[^A-Za-z0-9]+", "-", self.dataset).strip("-")
        return f"{dataset}_{self.cost_limit:g}_{self.class_name}_{self.seed}_{digest}"

    def __str__(self) -> str:
        changed = ""
        if self.study != "main":
            kind, _, option = self.study.partition(".")
            value: Any = self.labels if kind == "labels" else self.settings
            for part in option.split("."):
                value = getattr(value, part) if kind == "labels" else value[part]
            changed = f" ({option} = {value})"
        return (
            f"{self.task}, limit {self.cost_limit:g}, {self.algorithm}{changed}, seed {self.seed}"
        )

    def as_dict(self) -> dict[str, Any]:
        """
        :return: the cell as JSON values
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Cell":
        """
        :param values: from :meth:`as_dict`
        :return: the cell
        """
        return cls(**{**values, "labels": Labels(**values["labels"])})


def _changes(value: Any, left_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The fields that are not at their defaults."""
    found: dict[str, Any] = {}
    for item in fields(value):
        content = getattr(value, item.name)
        default = item.default
        if default is MISSING and item.default_factory is not MISSING:
            default = item.default_factory()
        if item.name not in left_out and content != default:
            found[item.name] = _changes(content) if isinstance(content, Labels) else content
    return found
