"""The phase that fits models of reward and cost to labels."""

from typing import Any, NamedTuple

import torch as th

from sb3_presa.algorithms.q_learning.reward_models import OutcomeModels, cost_loss, reward_loss
from sb3_presa.learning.losses import LossAndState
from sb3_presa.learning.phases import Autocast, Phase
from sb3_presa.learning.source import BatchSource, SegmentSteps


class LabelledPairs(NamedTuple):
    """Pairs of labelled segments, and steps of them."""

    pairs: th.Tensor  #: rows of the table of pairs, (B,)
    steps: SegmentSteps  #: (B, 2, K)


class FitModels(Phase):
    """
    Fits ensembles of reward and of cost models: Bradley-Terry on sums over segments, and the odds
    of a safety label by the mean cost of a step.

    :param models: the ensembles
    :param optimizer: theirs
    :param source: what minibatches are drawn from
    :param n_pairs: pairs of segments a step
    :param n_segment_steps: steps sampled of each segment longer than that
    :param autocast: context of forward passes
    :param args: as for :class:`~sb3_presa.learning.phases.Phase`
    """

    name = "fit_models"
    metrics = ("reward_model_loss", "cost_model_loss")
    warms_average_up = False

    def __init__(
        self,
        *args: Any,
        models: OutcomeModels,
        optimizer: th.optim.Optimizer,
        source: BatchSource,
        n_pairs: int,
        n_segment_steps: int,
        autocast: Autocast,
    ) -> None:
        super().__init__(*args)
        self.models, self._optimizer, self.source = models, optimizer, source
        self.n_pairs, self.autocast = n_pairs, autocast
        self.n_segment_steps = max(1, min(n_segment_steps, source.training.max_length))

    @property
    def optimizer(self) -> th.optim.Optimizer:
        return self._optimizer

    def sample(self, generator: th.Generator) -> LabelledPairs:
        labels = self.source.training
        n, device = len(labels.pairs), self.source.device
        pairs = th.randint(n, (self.n_pairs,), generator=generator, device=device)
        segments = labels.pairs[pairs]
        steps = self.source.sample_steps(segments, self.n_segment_steps, generator)
        return LabelledPairs(pairs, steps)

    def loss(self, batch: LabelledPairs) -> LossAndState:
        labels, steps = self.source.training, batch.steps
        with self.autocast():
            outcomes = self.models(*self.source.gather(steps.rows))
        rewards, costs = (
            (values.view(-1, *steps.rows.shape) * steps.weights).sum(-1) for values in outcomes
        )
        # A reward's unit is free: this one keeps sums over segments of any length in range
        scale = labels.max_length**0.5
        of_rewards = reward_loss(rewards / scale, labels.preferences[batch.pairs])
        of_costs = cost_loss(costs / steps.lengths, labels.p_safe[labels.pairs[batch.pairs]])
        metrics = {
            "reward_model_loss": of_rewards / self.models.n_models,
            "cost_model_loss": of_costs / self.models.n_models,
        }
        return of_rewards + of_costs, metrics, {}
