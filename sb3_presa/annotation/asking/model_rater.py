"""Models that answer beside people: any Python function, a vision-language model for one."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_presa.annotation.answers.answer import (
    MODEL_PREFIX,
    Answer,
    Segment,
    check_annotator,
    is_model,
)
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.asking.pool import Pair, RandomPairs
from sb3_presa.data.datasets import DatasetLike, resolve_dataset
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError
from sb3_presa.feedback.file import answers_path

_STRATEGY: Final = "model-rater"


@dataclass(frozen=True, eq=False)
class RatedClip:
    """A clip that a model rates.

    :param segment: episode id, first step, number of steps.
    :param observations: of its steps, (T, ...), or a dict of such arrays.
    :param actions: of its steps, (T, ...).
    """

    segment: Segment
    observations: Any
    actions: NDArray[Any]


class Said(NamedTuple):
    """A model's answer; each is None where it cannot tell.

    :param preference: 1 first, 0.5 equal, 0 second.
    :param safe_first: 1 safe, 0 unsafe.
    :param safe_second: the same of the second clip.
    """

    preference: float | None = None
    safe_first: float | None = None
    safe_second: float | None = None


Rater = Callable[[RatedClip, RatedClip], Said]


def rate(
    dataset: DatasetLike,
    rater: Rater,
    name: str,
    *,
    feedback: str = "default",
    n_pairs: int = 100,
    segment_length: int = 50,
    overlap: float = 0.25,
    seed: int = 0,
) -> int:
    """Let a model answer, as an annotator of its own.

    A merge takes its answers only where no person has answered, so it never overrules people. A
    share of its questions are theirs, so that ``sb3-presa labels`` shows how far it agrees. Each
    answer is durable at once; a second call goes on where the first was interrupted.

    :param dataset: a Minari dataset, its id or path.
    :param rater: the model.
    :param name: its name, at most 58 characters; the answers are those of ``"model:NAME"``.
    :param feedback: name of the answers, as for ``sb3-presa annotate``.
    :param n_pairs: questions, at least 1.
    :param segment_length: steps of a clip, at least 1.
    :param overlap: share, in [0, 1], of questions that people have answered, as far as there are.
    :param seed: an integer >= 0, of the other questions.
    :return: number of new answers.
    :raises ConfigError: if an argument is out of its range.
    :raises FeedbackError: if the name or an answer of the model is not valid.
    """
    if n_pairs < 1 or segment_length < 1 or not 0.0 <= overlap <= 1.0:
        raise ConfigError(
            "`n_pairs` and `segment_length` must be at least 1 and `overlap` in [0, 1], got "
            f"{n_pairs}, {segment_length} and {overlap}"
        )
    who, n_new = MODEL_PREFIX + name, 0
    check_annotator(who)  # before the model, which may cost money, is called
    opened = resolve_dataset(dataset)
    transitions = load_transitions(opened)
    hashes = transitions.hashes_by_id()
    with closing(AnswerStore(answers_path(opened, feedback), opened.id)) as store:
        before = store.answers()
        done = {one.question for one in before if one.annotator == who}
        people = {one.question: None for one in before if not is_model(one.annotator)}
        left = max(0, n_pairs - len(done))
        shared = max(0, round(overlap * n_pairs) - len(done & people.keys()))
        pairs = [
            Pair(first, second)
            for first, second in people
            if second is not None and (first, second) not in done
        ][: min(left, shared)]
        draw = RandomPairs(transitions, segment_length, seed, RandomPairs.DEFAULTS)
        pairs += draw.next_pairs(left - len(pairs), before, pairs)
        for first, second in pairs:
            began = time.perf_counter()
            said = rater(_clip(transitions, first), _clip(transitions, second))
            seconds = time.perf_counter() - began
            answer = Answer(who, first, second, *said, seconds, time.time(), strategy=_STRATEGY)
            store.record_episodes({one[0]: hashes[one[0]] for one in (first, second)})
            store.add(answer)
            n_new += 1
    return n_new


def _clip(transitions: Transitions, segment: Segment) -> RatedClip:
    episode, start, length = segment
    place = int(np.flatnonzero(transitions.episode_ids == episode)[0])
    first = int(transitions.episode_starts[place]) + start
    rows = slice(first, first + length)
    observations: Any = transitions.observations
    if isinstance(observations, dict):
        observations = {key: values[rows] for key, values in observations.items()}
    else:
        observations = observations[rows]
    return RatedClip(segment, observations, transitions.actions[rows])
