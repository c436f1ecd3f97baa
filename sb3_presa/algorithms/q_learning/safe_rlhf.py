"""Safe RLHF without an environment: models of reward and cost, then constrained Q-learning."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule

from sb3_presa.algorithms.q_learning.constrained_q import ConstrainedQLearning
from sb3_presa.algorithms.q_learning.fit_models import FitModels
from sb3_presa.algorithms.q_learning.reward_models import OutcomeModels, held_out_metrics
from sb3_presa.arguments import (
    Bound,
    Count,
    NonNegative,
    Positive,
    Seed,
    Share,
    ShareAboveZero,
    ShareBelowOne,
)
from sb3_presa.errors import FeedbackError
from sb3_presa.learning.offline_data import LABELS, Needs, OfflineData
from sb3_presa.learning.phases import Phase
from sb3_presa.learning.precision import Precision
from sb3_presa.learning.schedules import CosineSchedule, rate_over
from sb3_presa.learning.source import BatchSource

#: Cost of a step on the boundary where no ``boundary_cost`` is given.
_STEP_COST = 0.1


class SafeRLHF(ConstrainedQLearning):
    r"""
    The usual way from such feedback to a policy (Dai et al., "Safe RLHF", ICLR 2024,
    https://arxiv.org/abs/2310.12773), with the offline learner of
    :class:`~sb3_presa.BCQLag`: an ensemble of reward models from preferences
    (Bradley-Terry on sums over segments) and one of cost models from safety labels; every
    transition gets their means; then constrained Q-learning on these.

    Labels tell on which side of a boundary a segment lies, not what it costs. Predicted costs are
    calibrated so that a full episode on the boundary costs ``boundary_cost``, and one without any
    predicted cost 0. A shorter segment's share is in proportion to its length.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class; ``"auto"``
        chooses by the observation space
    :param env: environment to take the spaces from, or ``None`` to take the dataset's
    :param boundary_cost: predicted cost of a full episode on the boundary between safe and unsafe
        labels, above 0: the unit of predicted costs, in which the gains of the multiplier count.
        ``None`` for 0.1 a step, so that gains fit episodes of every length alike
    :param cost_limit: predicted cost that a full episode may have, in that unit; the boundary
        where ``None``
    :param learning_rate: learning rate of Q-learning, a number or a function of the share of its
        steps that remains (1 to 0)
    :param n_model_steps: gradient steps of the reward and cost models, before Q-learning
    :param model_learning_rate: their learning rate at the start; falls to a hundredth
    :param n_models: members of each ensemble
    :param model_net_arch: hidden layers of each member, two of 128 where ``None``
    :param n_pairs: pairs of segments a model step
    :param n_segment_steps: steps sampled, stratified, of each segment longer than that
    :param validation_fraction: share in [0, 1) of the labels held out by episode;
        ``label_metrics`` and the log say how well the models predict them
    :param batch_size: transitions a step of Q-learning
    :param gamma: discount in (0, 1] of rewards and of costs
    :param tau: share in (0, 1] of the trained weights that the target networks take in a step
    :param n_target_actions: candidate actions in a next state
    :param choose_targets: value a next state by the candidate that the policy would choose, and
        hold the costs of those against the limit; as published, targets take the highest candidate
        of each outcome, costs too
    :param min_weight: weight in [0, 1] of the lower of two critics in a target
    :param kl_coef: weight of the divergence in the generator's loss
    :param reward_scale: deviation over the data of predicted rewards, whose mean is 0
    :param pid_gains: proportional, integral and derivative gain of the multiplier
    :param multiplier_max: largest multiplier
    :param horizon: steps of a full episode, the longest in the data where ``None``
    :param max_grad_norm: gradients of Q-learning are clipped to this norm
    :param precision: ``"float32"``, ``"bfloat16"`` or ``"auto"``, as in :class:`~sb3_presa.PRESA`
    :param policy_kwargs: further arguments of the policy,
        :class:`~sb3_presa.algorithms.q_learning.bcq_policy.BCQPolicy`
    :param tensorboard_log: folder for TensorBoard logs, ``None`` for none
    :param verbose: 0 for no output, 1 for info, 2 for debug
    :param device: device to train on
    :param seed: seed of the initial weights and of the minibatches
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    default_total_timesteps: ClassVar[int] = 102_000
    needs: Needs = LABELS | {"endings"}

    def __init__(
        self,
        policy: str | type[BasePolicy] = "auto",
        env: GymEnv | str | None = None,
        boundary_cost: Positive | None = 20.0,
        cost_limit: NonNegative | None = None,
        learning_rate: NonNegative | Schedule = 1e-3,
        n_model_steps: Count = 2000,
        model_learning_rate: Positive = 1e-3,
        n_models: Count = 3,
        model_net_arch: list[int] | None = None,
        n_pairs: Count = 32,
        n_segment_steps: Count = 64,
        validation_fraction: ShareBelowOne = 0.1,
        batch_size: Count = 512,
        gamma: ShareAboveZero = 0.99,
        tau: ShareAboveZero = 0.005,
        n_target_actions: Count = 10,
        choose_targets: bool = False,
        min_weight: Share = 0.75,
        kl_coef: NonNegative = 0.5,
        reward_scale: float = 0.3,
        pid_gains: tuple[float, float, float] = (0.1, 0.003, 0.001),
        multiplier_max: Bound = math.inf,
        horizon: Count | None = None,
        max_grad_norm: Bound = math.inf,
        precision: Precision = "float32",
        policy_kwargs: dict[str, Any] | None = None,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        device: th.device | str = "auto",
        seed: Seed | None = None,
        _init_setup_model: bool = True,
    ) -> None:
        self.boundary_cost = boundary_cost
        self.n_model_steps = n_model_steps
        self.model_learning_rate = model_learning_rate
        self.n_models = n_models
        self.model_net_arch = [128, 128] if model_net_arch is None else model_net_arch
        self.n_pairs = n_pairs
        self.n_segment_steps = n_segment_steps
        self.validation_fraction = validation_fraction
        self.reward_scale = reward_scale
        #: how well the models predict held-out labels, once they are trained
        self.label_metrics: dict[str, float] = {}
        self._relabelled: th.Tensor | None = None
        super().__init__(
            policy,
            env,
            learning_rate,
            cost_limit=cost_limit,
            gamma=gamma,
            tau=tau,
            batch_size=batch_size,
            n_target_actions=n_target_actions,
            choose_targets=choose_targets,
            min_weight=min_weight,
            kl_coef=kl_coef,
            pid_gains=pid_gains,
            multiplier_max=multiplier_max,
            horizon=horizon,
            max_grad_norm=max_grad_norm,
            precision=precision,
            policy_kwargs=policy_kwargs,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            seed=seed,
            init_setup_model=_init_setup_model,
        )

    def _setup_model(self) -> None:
        super()._setup_model()
        self.outcome_models = OutcomeModels(
            self.observation_space,
            self.action_space,
            self.n_models,
            self.model_net_arch,
            self.policy.clip_obs,
            self.policy.features_extractor_class,
            self.policy.features_extractor_kwargs,
            self.policy.normalize_images,
        ).to(self.device)
        self.model_optimizer = th.optim.AdamW(
            self.outcome_models.parameters(), lr=self.model_learning_rate, fused=True
        )

    # --- data -------------------------------------------------------------------------------

    def _use_data(self, data: OfflineData, source: BatchSource) -> None:
        training = data.training
        for kind, n_labels in (
            ("comparisons", len(training.comparisons)),
            ("safety labels", int(np.sum(~np.isnan(training.p_safe)))),
        ):
            if n_labels == 0:
                raise FeedbackError(
                    f"`feedback` must hold {kind}, got none: SafeRLHF learns a reward from "
                    "comparisons and a cost from safety labels, and needs both"
                )
        horizon = self._horizon(data.transitions)
        self._boundary = _STEP_COST * horizon if self.boundary_cost is None else self.boundary_cost
        self._cost_unit = self._boundary / horizon
        super()._use_data(data, source)
        self._relabelled = None

    def _fit_statistics(self, source: BatchSource, names: Mapping[str, Sequence[str]]) -> None:
        super()._fit_statistics(source, names)
        self.outcome_models.standardizer.fit(source.logged_observations())

    def _episode_limit(self) -> float:
        return self._boundary if self.cost_limit is None else self.cost_limit

    def _outcomes(self, rows: th.Tensor) -> th.Tensor:
        assert self._relabelled is not None
        return self._relabelled.index_select(1, rows)

    # --- learning ---------------------------------------------------------------------------

    def phases(self, total_timesteps: int | None = None) -> Sequence[Phase]:
        end = self.default_total_timesteps if total_timesteps is None else total_timesteps
        rate = self.model_learning_rate
        fit = FitModels(
            0,
            self.n_model_steps,
            rate_over(CosineSchedule(rate, 0.01 * rate), 0, self.n_model_steps),
            models=self.outcome_models,
            optimizer=self.model_optimizer,
            source=self.require_source(),
            n_pairs=self.n_pairs,
            n_segment_steps=self.n_segment_steps,
            autocast=self._autocast,
        )
        learn = self._q_learning(
            self.n_model_steps,
            max(end, self.n_model_steps + 1),
            on_enter=lambda: self._predict_outcomes(calibrate=True),
            on_prepare=lambda: self._predict_outcomes(calibrate=False),
        )
        if len(self.require_source().held_out.starts):
            names = ("preference_accuracy", "safety_accuracy", "safety_auc")
            learn.reports = tuple(f"validation/{name}" for name in names)
        return [fit, learn]

    def _shortage(self, phases: Sequence[Phase], end: int) -> str:
        if not self.num_timesteps < end <= self.n_model_steps:
            return ""
        return (
            f"`total_timesteps` should be above n_model_steps ({self.n_model_steps}), got {end}: "
            "the run only fits reward and cost models, and trains no policy. Raise total_timesteps "
            "or lower n_model_steps."
        )

    def _restart(self) -> None:
        super()._restart()
        self.model_optimizer.state.clear()
        self._relabelled = None

    def _predict_outcomes(self, calibrate: bool) -> dict[str, float]:
        """Gives every transition its predicted reward and cost, in the units of Q-learning."""
        if self._relabelled is not None and not calibrate:
            return {}
        source = self.require_source()
        outcomes = self.outcome_models.mean_outcomes(source)
        if calibrate:
            self.outcome_models.calibrate(outcomes, source.training)
        outcomes = self.outcome_models.relabel(outcomes)
        units = th.tensor([[self.reward_scale], [self._cost_unit]], device=self.device)
        self._relabelled = units * outcomes
        if not calibrate:
            return {}
        self.label_metrics = held_out_metrics(outcomes, source.held_out)
        return {f"validation/{name}": value for name, value in self.label_metrics.items()}

    # --- saving -----------------------------------------------------------------------------

    def set_parameters(
        self,
        load_path_or_dict: str | dict[str, Any],
        exact_match: bool = True,
        device: th.device | str = "auto",
    ) -> None:
        """
        Sets the weights of the policy and of the models, as in SB3.

        :param load_path_or_dict: a saved model, or what ``get_parameters()`` returns
        :param exact_match: whether all parameters must be given
        :param device: device to load a saved model on
        """
        self._relabelled = None  # by the old models
        super().set_parameters(load_path_or_dict, exact_match, device)

    def _excluded_save_params(self) -> list[str]:
        left_out = ["_relabelled", "_boundary", "_cost_unit"]
        return [*super()._excluded_save_params(), *left_out]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        state_dicts, tensors = super()._get_torch_save_params()
        return [*state_dicts, "outcome_models", "model_optimizer"], tensors
