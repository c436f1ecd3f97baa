"""Behaviour cloning steps, shared by every algorithm that starts from a clone."""

import torch as th

from sb3_presa.learning.segment_buffer import SegmentBuffer
from sb3_presa.policies.policy import Actor
from sb3_presa.policies.type_aliases import TensorObs, index_obs


def cloning_loss(actor: Actor, observations: TensorObs, actions: th.Tensor) -> th.Tensor:
    """
    The mean negative log-likelihood of logged actions.

    :param actor: the actor to train
    :param observations: raw observations, (N, ...), or a dict of them
    :param actions: actions in the policy's scale, (N, A)
    :return: scalar
    """
    return -actor.log_prob(observations, actions).mean()


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


def sample_segment_rows(
    buffer: SegmentBuffer, weights: th.Tensor, batch_size: int, generator: th.Generator
) -> th.Tensor:
    """
    Steps of segments: a segment drawn in proportion to its weight times its length, and one of
    its steps drawn uniformly.

    :param buffer: the data
    :param weights: weight of each segment, (S,), not all 0
    :param batch_size: rows to draw, with replacement
    :param generator: source of randomness
    :return: int64 rows of the transitions, (batch_size,)
    """
    mass = th.cumsum(weights.double() * buffer.labels.lengths, 0)
    segments = sample_weighted_rows(mass, batch_size, generator)
    return buffer.sample_steps(segments, 1, generator).rows.flatten()


@th.no_grad()
def log_prob_of_all(actor: Actor, buffer: SegmentBuffer, chunk: int = 16384) -> th.Tensor:
    """
    Log-probabilities of every transition, computed once for the frozen reference.

    :param actor: the reference
    :param buffer: the data
    :param chunk: transitions at a time
    :return: (N,) float32
    """
    rows = th.arange(buffer.n_transitions, device=buffer.device)
    parts = [
        actor.log_prob(index_obs(buffer.observations, part), buffer.actions.index_select(0, part))
        for part in rows.split(chunk)
    ]
    return th.cat(parts)
