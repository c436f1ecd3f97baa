"""The data that an offline algorithm trains from, as tensors on its device."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch as th
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first

from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback
from sb3_presa.policies.type_aliases import TensorObs, index_obs


class SegmentSteps(NamedTuple):
    """Steps sampled from segments; ``S`` is the shape of the segments, ``K`` steps each."""

    #: rows of the buffer's transitions, (*S, K)
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
    max_length: int  #: steps of the longest segment; known here so that no step asks the device
    unlabelled_share: float = 0.0  #: of all transitions, those in segments added without a label

    @property
    def won(self) -> th.Tensor:
        """Probability that each segment of a pair won its comparison, (P, 2), NaN if none."""
        return th.stack([self.preferences, 1.0 - self.preferences], dim=-1)


class SegmentBuffer:
    """
    Transitions (stored once, flat) and labelled segments of them. It holds no rewards and no
    costs: there are none in what it is made from.

    :param transitions: what the policy saw and did
    :param feedback: labels on those episodes
    :param device: where the tensors live
    :param scale_actions: from logged actions to the policy's own scale
    """

    def __init__(
        self, transitions: Transitions, feedback: Feedback, device: th.device, scale_actions: Any
    ) -> None:
        self.device = device
        self.observations = observations_to_device(
            transitions.observations, transitions.observation_space, device
        )
        self.actions: th.Tensor = scale_actions(th.as_tensor(transitions.actions, device=device))
        self.n_transitions = len(transitions.actions)
        self.labels = make_labels(transitions, feedback, device)

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
        :param generator: source of randomness, on the buffer's device; ``None`` takes the
            middle of each part, which repeats exactly
        :param labels: the table that ``segments`` are rows of, the training labels by default
        :return: steps, (*S, K)
        """
        offset: th.Tensor | float = 0.5
        if generator is not None:
            shape = (*segments.shape, n_steps)
            offset = th.rand(shape, generator=generator, device=self.device)
        labels = self.labels if labels is None else labels
        return stratified_steps(labels, segments, n_steps, offset)

    def gather(self, rows: th.Tensor) -> tuple[TensorObs, th.Tensor]:
        """
        :param rows: rows of the transitions, any shape, M in all
        :return: observations (M, ...) and actions in the policy's scale (M, A)
        """
        flat = rows.flatten()
        return index_obs(self.observations, flat), self.actions.index_select(0, flat)


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
    return SegmentLabels(
        starts=th.as_tensor(starts, dtype=th.int64, device=device),
        lengths=th.tensor(feedback.segments[:, 2], dtype=th.int32, device=device),
        p_safe=th.tensor(feedback.p_safe, dtype=th.float32, device=device),
        pairs=th.as_tensor(pairs, dtype=th.int64, device=device),
        preferences=th.as_tensor(preferences, device=device),
        max_length=int(feedback.segments[:, 2].max(initial=0)),
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
