"""The source of minibatches: transitions and labels as tensors on the device."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch as th
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first

from sb3_presa.data.transitions import Endings, Transitions
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.offline_data import OfflineData
from sb3_presa.policies.type_aliases import TensorObs


class SegmentSteps(NamedTuple):
    """Steps sampled from segments; ``S`` is the shape of the segments, ``K`` steps each."""

    #: rows of the transitions, (*S, K)
    rows: th.Tensor
    #: index of each step in its segment, (*S, K)
    positions: th.Tensor
    #: how many steps of the segment each one stands for, (*S, K); 0 for padding
    weights: th.Tensor
    #: steps of the whole segment, (*S,)
    lengths: th.Tensor


@dataclass(frozen=True)
class SegmentLabels:
    """
    Segments and their labels on the device. A segment is an index into the transitions, not
    a copy of them: 16 bytes each.

    ``pairs`` holds the comparisons first and then, two by two, the segments that have a safety
    label but are in no comparison, with a preference of NaN: so one sampler of pairs reaches
    every label.
    """

    starts: th.Tensor  #: first row of each segment among the transitions, (S,) int64
    lengths: th.Tensor  #: steps of each segment, (S,) int32
    p_safe: th.Tensor  #: probability that it is safe, (S,) float32, NaN if not labelled
    pairs: th.Tensor  #: rows of segments, (P, 2) int64
    preferences: th.Tensor  #: probability that the first is preferred, (P,) float32, NaN if none
    usable: th.Tensor  #: whether the preference loss uses the pair's comparison, (P,) bool
    unlabelled: th.Tensor  #: whether the pair stands for data without a label, (P,) bool
    max_length: int  #: steps of the longest segment; known here so that no step asks the device
    weights: th.Tensor | None = None  #: weight of each segment, (S,) float32, 1 where ``None``
    levels: th.Tensor | None = None  #: safety levels, (G,), where ``weights`` are (S, G)
    unlabelled_share: float = 0.0  #: of all transitions, those in segments added without a label

    @property
    def has_safety_label(self) -> th.Tensor:
        """Whether either of a pair's segments has a safety label, (P,)."""
        return ~self.p_safe[self.pairs].isnan().all(1)

    @property
    def has_label(self) -> th.Tensor:
        """Whether a pair has a preference, or either of its segments a safety label, (P,)."""
        return ~self.preferences.isnan() | self.has_safety_label

    def weights_at(self, level: float) -> th.Tensor | None:
        """
        :param level: a safety level, in (0, 1)
        :return: the weight of each segment at it, or at the nearest that there is, (S,)
        """
        if self.levels is None or self.weights is None:
            return self.weights
        return self.weights[:, int((self.levels - level).abs().argmin())]

    @property
    def won(self) -> th.Tensor:
        """Probability that each segment of a pair won its comparison, (P, 2), NaN if none."""
        return th.stack([self.preferences, 1.0 - self.preferences], dim=-1)


#: From labels to train on, labels held out and what they are on to labels to draw from.
PrepareLabels: TypeAlias = Callable[[SegmentLabels, SegmentLabels, Transitions], SegmentLabels]


class Successors(NamedTuple):
    """The successor of each transition, for algorithms that look a step ahead."""

    next_rows: th.Tensor  #: row of each transition's next observation, (N,)
    goes_on: th.Tensor  #: 0 where the task ended, 1 elsewhere, cut-off episodes included, (N,)


@dataclass(frozen=True, eq=False)
class BatchSource:
    """
    Transitions (stored once, flat) and labelled segments of them, on the device. It holds no
    rewards and no costs, and nothing of it changes while a model is trained.

    :param observations: observations of the N transitions, (N, ...), or a dict of them. With
        ``successors``, the last observation of every episode stands behind them: (N + E, ...)
    :param actions: actions in the policy's scale, (N, A)
    :param training: the labels to train on
    :param held_out: labels on the same transitions that are not trained on
    :param successors: where transitions lead, ``None`` where the algorithm does not need it
    """

    observations: TensorObs
    actions: th.Tensor
    training: SegmentLabels
    held_out: SegmentLabels
    successors: Successors | None = None

    @property
    def device(self) -> th.device:
        """:return: where the tensors live"""
        return self.actions.device

    @property
    def n_transitions(self) -> int:
        """:return: N"""
        return len(self.actions)

    def logged_observations(self) -> TensorObs:
        """:return: the observations that something was done on, (N, ...), or a dict of them"""
        n = self.n_transitions
        if isinstance(self.observations, dict):
            return {key: values[:n] for key, values in self.observations.items()}
        return self.observations[:n]

    def sample_steps(
        self,
        segments: th.Tensor,
        n_steps: int,
        generator: th.Generator | None,
        labels: SegmentLabels | None = None,
    ) -> SegmentSteps:
        """
        Stratified steps of segments: a segment of at most ``n_steps`` is taken whole, a longer
        one is cut in ``n_steps`` equal parts and one step drawn from each.

        :param segments: rows of the segment table, any shape S
        :param n_steps: K, steps a segment
        :param generator: source of randomness, on the source's device; ``None`` takes the
            middle of each part, which repeats exactly
        :param labels: the table that ``segments`` are rows of, the training labels by default
        :return: steps, (*S, K)
        """
        offset: th.Tensor | float = 0.5
        if generator is not None:
            shape = (*segments.shape, n_steps)
            offset = th.rand(shape, generator=generator, device=self.device)
        labels = self.training if labels is None else labels
        return stratified_steps(labels, segments, n_steps, offset)

    def gather(self, rows: th.Tensor) -> tuple[TensorObs, th.Tensor]:
        """
        :param rows: rows of the transitions, any shape, M in all
        :return: observations (M, ...) and actions in the policy's scale (M, A)
        """
        flat = rows.flatten()
        return self.observations_at(flat), self.actions.index_select(0, flat)

    def observations_at(self, rows: th.Tensor) -> TensorObs:
        """
        :param rows: rows of the observations, (M,)
        :return: observations, (M, ...), or a dict of them
        """
        if isinstance(self.observations, dict):
            return {key: value.index_select(0, rows) for key, value in self.observations.items()}
        return self.observations.index_select(0, rows)


def make_source(
    data: OfflineData,
    device: th.device,
    scale_actions: Callable[[th.Tensor], th.Tensor],
    prepare: PrepareLabels | None = None,
) -> BatchSource:
    """
    :param data: what was read
    :param device: where the tensors are to live
    :param scale_actions: from logged actions to the policy's own scale
    :param prepare: from the training labels, the held-out ones and the transitions to what
        minibatches are drawn from
    :return: the source
    """
    transitions = data.transitions
    space = transitions.observation_space
    observations = observations_to_device(transitions.observations, space, device)
    successors = None
    if data.endings is not None:
        behind = observations_to_device(data.endings.observations, space, device)
        observations = _with_rows_behind(observations, behind)
        successors = _make_successors(transitions, data.endings, device)
    held_out = make_labels(transitions, data.held_out, device)
    training = make_labels(transitions, data.training, device)
    return BatchSource(
        observations=observations,
        actions=scale_actions(th.as_tensor(transitions.actions, device=device)),
        training=training if prepare is None else prepare(training, held_out, transitions),
        held_out=held_out,
        successors=successors,
    )


def _with_rows_behind(observations: TensorObs, behind: TensorObs) -> TensorObs:
    if isinstance(observations, dict):
        assert isinstance(behind, dict)
        return {
            key: th.cat([part, behind[key].to(part.dtype)]) for key, part in observations.items()
        }
    assert isinstance(behind, th.Tensor)
    return th.cat([observations, behind.to(observations.dtype)])


def _make_successors(transitions: Transitions, endings: Endings, device: th.device) -> Successors:
    n_steps = len(transitions.actions)
    last = transitions.episode_starts + transitions.episode_lengths - 1
    next_rows, goes_on = np.arange(1, n_steps + 1), np.ones(n_steps, dtype=np.float32)
    next_rows[last] = n_steps + np.arange(len(last))
    goes_on[last] = ~endings.terminated
    return Successors(th.as_tensor(next_rows, device=device), th.as_tensor(goes_on, device=device))


def sample_rows(n_rows: int, batch_size: int, generator: th.Generator) -> th.Tensor:
    """
    :param n_rows: rows to choose from
    :param batch_size: rows to draw, with replacement
    :param generator: source of randomness
    :return: int64 rows, (batch_size,)
    """
    return th.randint(n_rows, (batch_size,), generator=generator, device=generator.device)


def sample_weighted_rows(mass: th.Tensor, batch_size: int, generator: th.Generator) -> th.Tensor:
    """
    :param mass: running sum of the weights of the rows, float64, (N,), above 0 at its end
    :param batch_size: rows to draw, with replacement
    :param generator: source of randomness
    :return: int64 rows, (batch_size,)
    """
    draws = th.rand(batch_size, generator=generator, device=mass.device, dtype=th.double)
    return th.searchsorted(mass, draws * mass[-1], right=True).clamp_max(len(mass) - 1)


def stratified_steps(
    labels: SegmentLabels, segments: th.Tensor, n_steps: int, offset: th.Tensor | float
) -> SegmentSteps:
    """
    One step of each of ``n_steps`` equal parts of a segment, or all of a shorter segment.

    :param labels: the table of segments
    :param segments: rows of it, any shape S
    :param n_steps: K, steps a segment
    :param offset: place of each step in its part, in [0, 1), (*S, K) or one for all
    :return: steps, (*S, K)
    """
    starts = labels.starts[segments].unsqueeze(-1)
    lengths = labels.lengths[segments].unsqueeze(-1)
    last = lengths.long() - 1
    index = th.arange(n_steps, device=segments.device)
    stratum = lengths.float() / n_steps
    drawn = ((index + offset) * stratum).long().minimum(last)
    whole = lengths <= n_steps
    positions = th.where(whole, index.minimum(last), drawn)
    weights = th.where(whole, (index < lengths).float(), stratum)
    return SegmentSteps(starts + positions, positions, weights, lengths.squeeze(-1))


def make_labels(transitions: Transitions, feedback: Feedback, device: th.device) -> SegmentLabels:
    """
    :param transitions: the episodes that the feedback is on
    :param feedback: labels, aligned with those episodes
    :param device: where the tensors live
    :return: the label tensors
    """
    order = np.argsort(transitions.episode_ids)
    position = np.searchsorted(transitions.episode_ids, feedback.segments[:, 0], sorter=order)
    starts = transitions.episode_starts[order[position]] + feedback.segments[:, 1]
    lone = _lone_pairs(feedback)
    pairs = np.concatenate([feedback.comparisons, lone])
    no_preference = np.full(len(lone), np.nan, dtype=np.float32)
    preferences = np.concatenate([feedback.preferences.astype(np.float32), no_preference])
    of_pairs = th.as_tensor(preferences, device=device)
    return SegmentLabels(
        starts=th.as_tensor(starts, dtype=th.int64, device=device),
        lengths=th.tensor(feedback.segments[:, 2], dtype=th.int32, device=device),
        p_safe=th.tensor(feedback.p_safe, dtype=th.float32, device=device),
        pairs=th.as_tensor(pairs, dtype=th.int64, device=device),
        preferences=of_pairs,
        usable=~of_pairs.isnan(),
        unlabelled=th.zeros(len(pairs), dtype=th.bool, device=device),
        max_length=int(feedback.segments[:, 2].max(initial=0)),
        weights=None
        if feedback.weights is None
        else th.tensor(feedback.weights, dtype=th.float32, device=device),
        levels=None
        if feedback.levels is None
        else th.tensor(feedback.levels, dtype=th.float32, device=device),
    )


def _lone_pairs(feedback: Feedback) -> NDArray[np.int64]:
    """Segments with a safety label that no comparison reaches, two by two (the last may twin)."""
    compared = np.zeros(len(feedback.segments), dtype=bool)
    compared[feedback.comparisons.ravel()] = True
    return two_by_two(np.flatnonzero(~compared & ~np.isnan(feedback.p_safe)))


def two_by_two(segments: NDArray[np.int64]) -> NDArray[np.int64]:
    """
    :param segments: rows of a table of segments, (S,)
    :return: them as pairs, (P, 2); of an odd number, the last has the first as its twin
    """
    if len(segments) % 2:
        segments = np.append(segments, segments[0])
    return segments.reshape(-1, 2)


def observations_to_device(
    observations: Any, space: spaces.Space[Any], device: th.device
) -> TensorObs:
    """
    :param observations: (N, ...) array, or a dict of them, as the dataset has them
    :param space: the dataset's observation space
    :param device: where the tensors live
    :return: tensors, images with their channels first as SB3 has them
    """
    if isinstance(observations, dict):
        assert isinstance(space, spaces.Dict)
        return {
            key: _to_device(value, space.spaces[key], device) for key, value in observations.items()
        }
    return _to_device(observations, space, device)


def _to_device(values: NDArray[Any], space: spaces.Space[Any], device: th.device) -> th.Tensor:
    if is_image_space(space) and not is_image_space_channels_first(space):  # type: ignore[arg-type]
        values = np.ascontiguousarray(np.moveaxis(values, -1, 1))
    return th.as_tensor(values, device=device)
