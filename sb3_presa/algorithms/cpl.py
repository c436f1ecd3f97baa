"""Contrastive preference learning: what is preferred, safe or not."""

from typing import Any

import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv

from sb3_presa.algorithms.aligned import AlignedBaseline, UtilityObjective
from sb3_presa.arguments import Positive, ShareAboveZero
from sb3_presa.learning import losses
from sb3_presa.learning.losses import PairBatch
from sb3_presa.learning.offline_data import Needs


class CPLObjective(UtilityObjective):
    """
    The mean of the preference loss over a batch of comparisons.

    :param alpha: inverse temperature per unit of log-ratio
    :param preference_bias: conservative bias in (0, 1], 1 for none
    :param kwargs: as for :class:`~sb3_presa.algorithms.aligned.UtilityObjective`
    """

    metrics = ("preference_loss", "log_ratio_preferred", "log_ratio_rejected")

    def __init__(self, alpha: float, preference_bias: float, **kwargs: Any) -> None:
        super().__init__(alpha, **kwargs)
        self.preference_bias = preference_bias

    def loss(self, batch: PairBatch, state: losses.State) -> losses.LossAndState:
        utility = self.utility(batch)
        loss = losses.preference_loss(
            utility[:, 0], utility[:, 1], batch.preference, self.preference_bias
        ).mean()
        log_ratio = utility.detach() / self.scale
        winner_loser = th.where(batch.preference.unsqueeze(-1) > 0.5, log_ratio, log_ratio.flip(-1))
        metrics = {
            "preference_loss": loss,
            "log_ratio_preferred": winner_loser[:, 0].mean(),
            "log_ratio_rejected": winner_loser[:, 1].mean(),
        }
        return loss, metrics, state


class CPL(AlignedBaseline):
    r"""
    Contrastive preference learning (Hejna et al., ICLR 2024, https://arxiv.org/abs/2310.13639) in
    its variant with a reference policy, which the authors' code calls ``CPL_KL``: clone, then
    minimise :math:`-\log\sigma(u_\text{preferred} - \lambda u_\text{rejected})` with
    :math:`u = \alpha \sum_t \gamma^t \log(\pi(a_t|s_t) / \pi_\text{ref}(a_t|s_t))`.

    As published: the loss, :math:`\alpha`, the bias :math:`\lambda`, and a Gaussian of fixed width
    with a tanh mean. Not as published: networks, optimiser, budget, discount and scaling by
    length, which are PRESA's (the authors clone for 200,000 steps of 96 segments and go on for
    300,000, with dropout, on segments of 64 steps).

    It reads comparisons only.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class; ``"auto"``
        chooses by the observation space
    :param env: environment to take the spaces from, or ``None`` to take the dataset's
    :param alpha: inverse temperature of the preference loss, per unit of log-ratio
    :param preference_bias: conservative bias :math:`\lambda` in (0, 1]: below 1 it prefers a
        policy that gives both segments a higher likelihood; 1 for none
    :param kwargs: as for :class:`~sb3_presa.algorithms.aligned.AlignedBaseline`
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    needs: Needs = frozenset({"comparisons"})

    def __init__(
        self,
        policy: str | type[BasePolicy] = "auto",
        env: GymEnv | str | None = None,
        alpha: Positive = 0.2,
        preference_bias: ShareAboveZero = 0.75,
        **kwargs: Any,
    ) -> None:
        self.alpha = alpha
        self.preference_bias = preference_bias
        super().__init__(policy, env, **kwargs)

    def _make_objective(self) -> CPLObjective:
        return CPLObjective(
            self.alpha,
            self.preference_bias,
            gamma=self.gamma,
            normalize_length=self.normalize_length,
            n_pairs=self.n_pairs,
        )
