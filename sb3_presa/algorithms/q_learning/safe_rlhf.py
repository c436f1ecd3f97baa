"""Safe RLHF without an environment: models of reward and cost, then constrained Q-learning."""

import math
import warnings
from typing import Any, ClassVar

import numpy as np
import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from stable_baselines3.common.utils import update_learning_rate

from sb3_presa.algorithms.q_learning.constrained_q import ConstrainedQLearning
from sb3_presa.algorithms.q_learning.reward_models import (
    OutcomeModels,
    cost_loss,
    held_out_metrics,
    reward_loss,
)
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.holdout import hold_out
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.schedules import CosineSchedule
from sb3_presa.learning.segment_buffer import SegmentLabels, make_labels

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

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class
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
    :param stats_window_size: kept for SB3's interface
    :param tensorboard_log: folder for TensorBoard logs, ``None`` for none
    :param verbose: 0 for no output, 1 for info, 2 for debug
    :param device: device to train on
    :param seed: seed of the initial weights and of the minibatches
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    default_total_timesteps: ClassVar[int] = 102_000

    def __init__(
        self,
        policy: str | type[BasePolicy] = "MlpPolicy",
        env: GymEnv | str | None = None,
        boundary_cost: float | None = 20.0,
        cost_limit: float | None = None,
        learning_rate: float | Schedule = 1e-3,
        n_model_steps: int = 2000,
        model_learning_rate: float = 1e-3,
        n_models: int = 3,
        model_net_arch: list[int] | None = None,
        n_pairs: int = 32,
        n_segment_steps: int = 64,
        validation_fraction: float = 0.1,
        batch_size: int = 512,
        gamma: float = 0.99,
        tau: float = 0.005,
        n_target_actions: int = 10,
        choose_targets: bool = False,
        min_weight: float = 0.75,
        kl_coef: float = 0.5,
        reward_scale: float = 0.3,
        pid_gains: tuple[float, float, float] = (0.1, 0.003, 0.001),
        multiplier_max: float = math.inf,
        horizon: int | None = None,
        max_grad_norm: float = math.inf,
        precision: str = "auto",
        policy_kwargs: dict[str, Any] | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        device: th.device | str = "auto",
        seed: int | None = None,
        _init_setup_model: bool = True,
    ) -> None:
        for name, number in (
            ("n_model_steps", n_model_steps),
            ("n_models", n_models),
            ("n_pairs", n_pairs),
            ("n_segment_steps", n_segment_steps),
        ):
            if number < 1:
                raise ConfigError(f"{name} is {number}; it must be at least 1")
        for name, value in (
            ("boundary_cost", _STEP_COST if boundary_cost is None else boundary_cost),
            ("model_learning_rate", model_learning_rate),
        ):
            if not 0.0 < value < math.inf:
                raise ConfigError(f"{name} is {value}; it must be finite and above 0")
        if not 0.0 <= validation_fraction < 1.0:
            raise ConfigError(f"validation_fraction is {validation_fraction}; allowed is [0, 1)")
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
        self.validation: SegmentLabels | None = None
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
            stats_window_size=stats_window_size,
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

    def _use_data(self, transitions: Transitions, feedback: Feedback) -> None:
        training, held_out = hold_out(feedback, self.validation_fraction, self._minibatch_seed)
        for kind, n_labels in (
            ("comparisons", len(training.comparisons)),
            ("safety labels", int(np.sum(~np.isnan(training.p_safe)))),
        ):
            if n_labels == 0:
                raise FeedbackError(
                    f"the feedback has no {kind} to train on: SafeRLHF learns a reward from "
                    "comparisons and a cost from safety labels, and needs both"
                )
        horizon = self._horizon(transitions)
        self._boundary = _STEP_COST * horizon if self.boundary_cost is None else self.boundary_cost
        self._cost_unit = self._boundary / horizon
        super()._use_data(transitions, training)
        assert self.buffer is not None
        self.validation = make_labels(transitions, held_out, self.device)
        self._relabelled = None
        if self._is_untrained():
            self.outcome_models.standardizer.fit(self.buffer.observations)

    def _episode_limit(self) -> float:
        return self._boundary if self.cost_limit is None else self.cost_limit

    def _outcomes(self, rows: th.Tensor) -> th.Tensor:
        assert self._relabelled is not None
        return self._relabelled.index_select(1, rows)

    # --- learning ---------------------------------------------------------------------------

    def _before_learning(self, total_timesteps: int) -> None:
        if self.num_timesteps < total_timesteps <= self.n_model_steps:
            warnings.warn(
                f"learn() ends at step {total_timesteps}, within the {self.n_model_steps} steps of "
                "the reward and cost models: the policy is not trained. Raise total_timesteps or "
                "lower n_model_steps.",
                stacklevel=3,
            )

    def _train_step(self, step: int) -> dict[str, th.Tensor]:
        if step == 0:
            self._restart()
            self.model_optimizer.state.clear()
        if step < self.n_model_steps:
            self._relabelled = None
            return self._model_step(step)
        if step == self.n_model_steps or self._relabelled is None:
            self._relabel(calibrate=step == self.n_model_steps)
        remaining = self._total_timesteps - step
        progress = remaining / max(1, self._total_timesteps - self.n_model_steps)
        return self._q_learning_step(step, self.lr_schedule(progress))

    def _model_step(self, step: int) -> dict[str, th.Tensor]:
        assert self.buffer is not None
        labels, generator = self.buffer.labels, self._step_generator(step)
        rows = th.randint(
            len(labels.pairs), (self.n_pairs,), generator=generator, device=self.device
        )
        n_steps = max(1, min(self.n_segment_steps, labels.max_length))
        steps = self.buffer.sample_steps(labels.pairs[rows], n_steps, generator)
        with self._autocast():
            outcomes = self.outcome_models(*self.buffer.gather(steps.rows))
        rewards, costs = (
            (values.view(-1, *steps.rows.shape) * steps.weights).sum(-1) for values in outcomes
        )
        # A reward's unit is free: this one keeps sums over segments of any length in range
        of_rewards = reward_loss(rewards / labels.max_length**0.5, labels.preferences[rows])
        of_costs = cost_loss(costs / steps.lengths, labels.p_safe[labels.pairs[rows]])
        rate = self.model_learning_rate
        schedule = CosineSchedule(rate, 0.01 * rate)
        update_learning_rate(self.model_optimizer, schedule(1.0 - step / self.n_model_steps))
        self.model_optimizer.zero_grad()
        (of_rewards + of_costs).backward()
        self.model_optimizer.step()
        return {
            "reward_model_loss": of_rewards / self.n_models,
            "cost_model_loss": of_costs / self.n_models,
        }

    def _relabel(self, calibrate: bool) -> None:
        """Gives every transition its predicted reward and cost, in the units of Q-learning."""
        assert self.buffer is not None and self.validation is not None
        outcomes = self.outcome_models.mean_outcomes(self.buffer)
        if calibrate:
            self.outcome_models.calibrate(outcomes, self.buffer.labels)
        outcomes = self.outcome_models.relabel(outcomes)
        if calibrate:
            self.label_metrics = held_out_metrics(outcomes, self.validation)
            for name, value in self.label_metrics.items():
                self.logger.record(f"validation/{name}", value)
        units = th.tensor([[self.reward_scale], [self._cost_unit]], device=self.device)
        self._relabelled = units * outcomes

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
        left_out = ["validation", "_relabelled", "_boundary", "_cost_unit"]
        return [*super()._excluded_save_params(), *left_out]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        state_dicts, tensors = super()._get_torch_save_params()
        return [*state_dicts, "outcome_models", "model_optimizer"], tensors
