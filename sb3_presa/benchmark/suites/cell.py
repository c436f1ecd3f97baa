"""One cell of a benchmark: an agent to train and evaluate, as plain data that can travel."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

#: What a cell is called and what it takes to run it does not change its numbers.
_NOT_IDENTITY = frozenset({"study", "task", "algorithm", "cpus", "gpus"})


@dataclass(frozen=True)
class Labels:
    """
    A cell's feedback: how it is made, see ``Feedback.synthetic``, or where it lies.

    :param n_comparisons: pairs of segments
    :param segment_length: steps of a segment; ``None`` is the task's horizon by ``length_divisor``
    :param length_divisor: a segment has the horizon divided by this, rounded down
    :param flip_preferences: share of preferences that are turned round
    :param flip_safety: share of safety labels that are turned round
    :param unlabelled_preferences: share of comparisons that are left out
    :param unlabelled_safety: share of segments without a safety label
    :param feedback: name of feedback beside the dataset, as people gave it, in place of all that
    """

    n_comparisons: int = 5000
    segment_length: int | None = None
    length_divisor: int = 1
    flip_preferences: float = 0.0
    flip_safety: float = 0.0
    unlabelled_preferences: float = 0.0
    unlabelled_safety: float = 0.0
    feedback: str | None = None


@dataclass(frozen=True)
class Cell:
    """
    What is trained, on what, and how it is evaluated.

    :param task: name of the task in the suite and in reports
    :param dataset: id or folder of its Minari dataset
    :param cost_limit: cost of an episode, for the labels and for the evaluation
    :param algorithm: name of the algorithm in reports
    :param class_name: its class, one of ``sb3_presa.ALGORITHMS`` or ``package.module:Class``
    :param seed: seed of labels, training and (shifted) evaluation
    :param env: environment to evaluate in; ``None`` is the dataset's own
    :param settings: arguments of the class
    :param labels: how its feedback is made
    :param steps: gradient steps; ``None`` is the class's own number
    :param n_episodes: episodes of the evaluation
    :param device: where it trains, ``"cpu"`` or ``"cuda"``
    :param study: ``"main"``, or the key that its sweep varies
    :param cpus: processors that it occupies
    :param gpus: GPUs, or a share of one, that it occupies
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

    @property
    def key(self) -> str:
        """
        :return: what names the cell for ever: it depends on all that decides its numbers, and on
            nothing else. What is at its default is left out, so that options that are added later
            change no key.
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
        :return: the cell in types that JSON has
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Cell":
        """
        :param values: what :meth:`as_dict` gave
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
