"""The one way in: from what a user names to what an algorithm may read."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self, TypeAlias

import numpy as np

from sb3_presa.completion import FEWEST_LABELS, Completion, complete
from sb3_presa.completion.clips import labels_are_of_clips
from sb3_presa.data.datasets import DatasetLike, resolve_dataset
from sb3_presa.data.episodes import load_endings, load_outcomes, load_transitions
from sb3_presa.data.transitions import Endings, Outcomes, Transitions
from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.holdout import hold_out
from sb3_presa.feedback.newer_answers import warn_of_unmerged
from sb3_presa.feedback.table import Feedback, align_and_warn

#: What an algorithm may read beside observations and actions.
Need: TypeAlias = Literal["comparisons", "safety labels", "endings", "outcomes"]
Needs: TypeAlias = frozenset[Need]

LABELS: Final[Needs] = frozenset({"comparisons", "safety labels"})

#: Whether to complete labels; ``"auto"`` does where cross-fitted accuracy supports it.
CompletionMode: TypeAlias = Literal["auto"] | bool
#: Safety levels at which an adjustable agent is trained; it acts at those between them, too.
LEVELS: Final = (0.3, 0.5, 0.7, 0.8, 0.9)
#: What an algorithm makes of the labels that are not held out.
Complete: TypeAlias = Callable[[Feedback, Transitions], Feedback]
#: What an algorithm makes of its labels before any are held out.
Relabel: TypeAlias = Callable[[Feedback, Transitions, Outcomes | None], Feedback]


@dataclass(frozen=True, eq=False)
class OfflineData:
    """
    All that an algorithm may read of a dataset, and nothing else.

    :param transitions: what was observed and done
    :param training: labels to train on, on the episodes of ``transitions``
    :param held_out: labels that are kept for validation
    :param endings: how each episode ends, ``None`` where it is not needed
    :param outcomes: true rewards and costs, ``None`` where they are not needed
    """

    transitions: Transitions
    training: Feedback
    held_out: Feedback
    endings: Endings | None = None
    outcomes: Outcomes | None = None

    def origin(self) -> dict[str, Any]:
        """
        :return: where the data and the labels come from, and how many there are, as JSON; people
            have numbers in place of their names, for a model is handed on
        """
        labels, names = self.training, self.transitions.observation_names
        return {
            "dataset": self.transitions.dataset_id,
            "episodes": len(self.transitions.episode_ids),
            "steps": len(self.transitions.actions),
            "observation_names": {key: list(of_key) for key, of_key in names.items()},
            "labels": without_names(labels.provenance),
            "segments": len(labels.segments),
            "comparisons": len(labels.comparisons),
            "held_out_comparisons": len(self.held_out.comparisons),
            "safety_labels": int(np.isfinite(labels.p_safe).sum()),
        }

    @classmethod
    def read(
        cls,
        dataset: DatasetLike,
        feedback: str | Feedback | None = "default",
        *,
        needs: Needs,
        validation_fraction: float = 0.0,
        seed: int = 0,
        check: Callable[[Transitions], None] | None = None,
        relabel: Relabel | None = None,
        complete: Complete | None = None,
    ) -> Self:
        """
        Resolves the dataset, loads it, aligns the labels with its episodes, narrows them to what
        is needed, and holds a share of them out.

        :param dataset: a Minari dataset, its id, or the path of its folder
        :param feedback: name of the feedback set that lies beside the dataset, or labels, or
            ``None``; not read where no labels are needed
        :param needs: what the algorithm may read
        :param validation_fraction: share in [0, 1) of the labels to hold out by episode
        :param seed: seed of that draw
        :param check: refuses transitions before any work is done on labels
        :param relabel: what the algorithm makes of the labels before any are held out
        :param complete: what it makes of those that are not
        :return: the data
        :raises DatasetError: if the dataset cannot be used
        :raises FeedbackError: if the labels cannot be used, or there are none where some are needed
        """
        check_feedback(feedback)
        dataset = resolve_dataset(dataset)
        transitions = load_transitions(dataset)
        if check is not None:
            check(transitions)
        outcomes = load_outcomes(dataset) if "outcomes" in needs else None
        labels = narrow(_labels(dataset, feedback, transitions, needs), needs)
        if relabel is not None:
            labels = relabel(labels, transitions, outcomes)
        if needs & LABELS:
            _check_any(labels, needs)
        training, held_out = labels, _no_feedback(transitions)
        if validation_fraction > 0.0:
            training, held_out = hold_out(labels, validation_fraction, seed)
        if complete is not None:
            training = complete(training, transitions)
        return cls(
            transitions=transitions,
            training=training,
            held_out=held_out,
            endings=load_endings(dataset) if "endings" in needs else None,
            outcomes=outcomes,
        )

    @classmethod
    def of(cls, transitions: Transitions, training: Feedback) -> Self:
        """
        :param transitions: what was observed and done
        :param training: labels on the same episodes
        :return: both, with nothing held out
        """
        return cls(transitions, training, _no_feedback(transitions))


def check_feedback(feedback: object) -> None:
    """
    :param feedback: what was given as feedback
    :raises FeedbackError: if it is of another type
    """
    if not isinstance(feedback, str | Feedback | None):
        raise FeedbackError(
            f"`feedback` must be the name of a feedback set, a Feedback or None, got {feedback!r}"
        )


def narrow(feedback: Feedback, needs: Needs) -> Feedback:
    """
    :param feedback: labels
    :param needs: what an algorithm may read
    :return: the labels without the kinds that it may not read
    """
    if "safety labels" not in needs:
        feedback = replace(feedback, p_safe=np.full_like(feedback.p_safe, np.nan))
    if "comparisons" not in needs:
        nothing = np.zeros(0, dtype=np.float32)
        none = np.zeros((0, 2), dtype=np.int64)
        feedback = replace(feedback, comparisons=none, preferences=nothing)
    return feedback


def _check_any(feedback: Feedback, needs: Needs) -> None:
    if not len(feedback.comparisons) and np.isnan(feedback.p_safe).all():
        kinds = " or ".join(sorted(needs & LABELS))
        raise FeedbackError(
            f"`feedback` must hold {kinds}, got none of them on the episodes of "
            f"'{feedback.dataset_id}'"
        )


def _labels(
    dataset: DatasetLike, feedback: str | Feedback | None, transitions: Transitions, needs: Needs
) -> Feedback:
    if not needs & LABELS or feedback is None:
        return _no_feedback(transitions)
    if isinstance(feedback, str):
        name, feedback = feedback, Feedback.load(dataset, feedback)
        warn_of_unmerged(resolve_dataset(dataset), name, feedback.provenance, stacklevel=5)
    if not len(feedback.segments):
        return feedback
    return align_and_warn(feedback, dataset, transitions)


def _no_feedback(transitions: Transitions) -> Feedback:
    return Feedback(
        segments=np.zeros((0, 3), dtype=np.int64),
        p_safe=np.zeros(0, dtype=np.float32),
        comparisons=np.zeros((0, 2), dtype=np.int64),
        preferences=np.zeros(0, dtype=np.float32),
        episode_hashes={},
        dataset_id=transitions.dataset_id,
        provenance={},
    )


#: Entries of an origin of labels that hold people's names.
_OF_PEOPLE: Final = frozenset({"annotators", "left_out", "accuracy"})


def without_names(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """
    :param provenance: the origin of labels, whose ``annotators`` and ``left_out`` are people
    :return: the same with "person 1", "person 2" and so on in place of the names
    """
    number = {name: f"person {i}" for i, name in enumerate(sorted(_names(provenance)), 1)}

    def renamed(value: Any, of_people: bool) -> Any:
        if isinstance(value, Mapping):
            return {
                number.get(key, key) if of_people else key: renamed(part, key in _OF_PEOPLE)
                for key, part in value.items()
            }
        if isinstance(value, list | tuple):
            return [renamed(part, of_people) for part in value]
        return number.get(value, value) if of_people and isinstance(value, str) else value

    return {key: renamed(value, key in _OF_PEOPLE) for key, value in provenance.items()}


def _names(value: Any) -> set[str]:
    if not isinstance(value, Mapping):
        return set()
    own = [value.get(key, ()) for key in ("annotators", "left_out")]
    found = {name for part in own if isinstance(part, Mapping | list | tuple) for name in part}
    return found.union(*(_names(part) for part in value.values()))


def completed(
    feedback: Feedback,
    transitions: Transitions,
    mode: CompletionMode,
    level: float | Sequence[float],
    seed: int,
) -> Feedback:
    """
    :param feedback: labels; those with weights are complete already
    :param transitions: what they are on
    :param mode: whether to complete them
    :param level: lowest probability, in (0, 1), that what is imitated is safe; or several, rising
    :param seed: seed of the models
    :return: labels of all of the data, or ``feedback`` itself
    """
    if mode is False or feedback.weights is not None:
        return feedback
    n_labels = feedback.n_labels
    if n_labels == 0 or (mode == "auto" and n_labels < FEWEST_LABELS):
        return feedback
    if mode == "auto" and labels_are_of_clips(transitions, feedback):  # before it is fitted
        warnings.warn(
            "label completion is not used: the comparisons are of whole recordings that begin "
            "anywhere, as clips do. The best of them do not show how an episode begins, so all are "
            "learnt from as they were labelled. Where they are episodes, set completion=True.",
            stacklevel=6,
        )
        return feedback
    completion = complete(transitions, feedback, seed=seed)
    if mode == "auto" and not completion.helps:
        warnings.warn(f"label completion is not used: {_why_not(completion)}", stacklevel=6)
        return feedback
    return completion.feedback(level, seed)


def _why_not(completion: Completion) -> str:
    if completion.tells_safety:
        found = f"rank segments by safety no better than chance, {completion.safety_ranking}"
    elif completion.merit is None:
        return "every safety label is 0.5, which says nothing. Label segments safe or unsafe."
    elif not completion.preference_accuracy.n:
        return (
            "all comparisons are ties or of one pair, so nothing shows how well models predict "
            "them. Compare other segments, or set completion=True."
        )
    else:
        found = f"predict it no better than chance, {completion.preference_accuracy}"
    return (
        f"models that have not seen a label {found}. Label more segments, or set completion=True."
    )
