"""PRESA: preference-based and safety-based alignment of an offline policy."""

import warnings
from typing import Any, ClassVar

import torch as th
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule

from sb3_presa.algorithms.objective import DEFAULT_DELTA, PRESAObjective, PRESASettings
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError
from sb3_presa.learning.acceptable import share_acceptable, share_won
from sb3_presa.learning.alignment import AlignmentAlgorithm
from sb3_presa.learning.schedules import CosineSchedule
from sb3_presa.learning.segment_buffer import SegmentLabels
from sb3_presa.learning.unlabelled import add_unlabelled


class PRESA(AlignmentAlgorithm):
    r"""
    Offline safe policy optimisation from heterogeneous feedback (Gong, Varakantham and Kumar,
    AAMAS 2026, https://arxiv.org/abs/2512.20173): a policy is learnt from logged behaviour,
    pairwise preferences over segments and binary safety labels of segments, without a reward
    model, a cost model or a simulator.

    Behaviour cloning gives a reference policy. A segment of L steps has the log-ratio
    :math:`r = \sum_t \gamma^t \log(\pi(a_t|s_t) / \pi_\text{ref}(a_t|s_t))`. Contrastive
    preference learning is minimised subject to the mean probability that the policy classifies
    segments as they are labelled, :math:`p(Y = y) = \sigma(y (\beta r - z_0))`, being at least
    :math:`\delta`, with a Lagrange multiplier :math:`\nu`.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class
    :param env: environment to take the spaces from, or ``None`` to take the dataset's; it is
        never stepped while learning
    :param learning_rate: learning rate of alignment, a number or a function of the share of the
        alignment steps that remains (1 to 0)
    :param n_cloning_steps: gradient steps of behaviour cloning
    :param unsafe_cloning_weight: least weight in [0, 1] in cloning, that of the transitions which
        labels call unsafe (where labels overlap, as far as their mean does). 1 clones all alike,
        as in the paper
    :param clone_winners: ``True`` weighs what labels call safe by twice the share of its
        comparisons that it won: 2 for winners, the least weight for losers, 1 for ties and where
        nothing was compared. ``False`` weighs it alike
    :param cloning_learning_rate: learning rate at the start of cloning; falls to a hundredth
    :param cloning_batch_size: transitions a cloning step
    :param n_pairs: pairs of segments an alignment step; half are drawn from all labels, half
        from the comparisons that ``preference_filter`` names
    :param n_segment_steps: steps sampled, stratified, of each segment longer than that
    :param gamma: discount in (0, 1] of the log-ratios along a segment, in the preference loss
    :param safety_gamma: that in the safety classification. Costs of a segment are counted without
        a discount, so it has none; ``gamma`` in the paper
    :param normalize_length: ``True`` scales r to that of a segment of 100 steps, so that
        segments of different lengths are on one scale; ``False`` is the paper's sum
    :param clip_range: a step whose action has become less likely than 1 - ``clip_range`` of what
        it was under the reference counts no further, as in PPO: nothing is gained by leaving the
        data. In (0, 1). ``None`` is the paper's log-ratio, which falls without bound
    :param alpha: inverse temperature of the preference loss, per unit of r
    :param beta: inverse temperature of the safety classification, per unit of r
    :param preference_bias: CPL's conservative bias in (0, 1], 1 for none (the paper's)
    :param preference_coef: weight of the preference loss, 1 in the paper, 0 to learn safety only
    :param preference_filter: which comparisons the preference loss uses: ``"all"`` alike, as in
        the paper; ``"balanced"``, all, but half of the pairs are drawn from those whose winner is
        not labelled unsafe, however few they are; or ``"winner-safe"``, only these
    :param anchor_coef: weight of a cloning term on segments that won their comparison and are
        safe, which keeps the policy near data that are both; 0 in the paper
    :param anchor_sharpness: the anchor weighs its segments by exp(``anchor_sharpness`` r), so
        that those which the policy itself has come to prefer count most. Per unit of r, at
        least 0; 0 weighs them alike
    :param unlabelled_coef: weight of a cloning term on the transitions that no label covers, times
        their share of the data; up to a quarter of ``n_pairs`` are drawn for it. It keeps the
        policy at what was logged where people said nothing, so use it (10 to 30) where labels
        cover little and most of what was logged is acceptable. 0 in the paper
    :param delta: level in (0, 1) that E[p(label is right)] must reach. The default is beyond
        what can be attained on most data, and so means the highest level that can be; another one
        that cannot be reached is lowered with a warning
    :param n_attain_steps: alignment steps that maximise E[p], beside the cloning terms and without
        preferences, to find the level that can be attained; delta is then lowered towards chance
        if it is above, and training starts from the reference again. 0 keeps the given delta, as
        the paper does
    :param attain_margin: share in (0, 1] of the way from chance (0.5) to the attained level that
        delta is held to
    :param unsafe_weight: share in (0, 1) of E[p] that falls to the unsafe segments, however
        many there are; ``None`` is the paper's plain mean over all labelled segments
    :param center_utilities: ``True`` classifies against a running midpoint z0 between the two
        classes, ``False`` against 0, as the paper does
    :param multiplier_init: multiplier at the start
    :param multiplier_learning_rate: step of the ascent on the multiplier
    :param multiplier_max: cap on the multiplier, so that a delta out of reach cannot make it
        run away
    :param average_decay: the weights that act are the running average of the trained ones; this
        is the share of the old average that stays at each step (0 acts with the last weights,
        as the paper does)
    :param max_grad_norm: gradients are clipped to this norm
    :param validation_fraction: share in [0, 1) of the labels held out by episode; preference
        accuracy and safety AUC on them are logged
    :param precision: of the networks' forward and backward passes in training: ``"float32"``,
        ``"bfloat16"`` (autocast), or ``"auto"``: bfloat16 on a CPU that multiplies bfloat16 in
        hardware (AVX512-BF16, AMX), float32 elsewhere, GPUs included. ``predict`` is in float32
    :param compile: compile the alignment step with ``torch.compile``, which takes longer than a run
        of the default length saves; where it does not compile it runs uncompiled, with a warning
    :param policy_kwargs: further arguments of the policy
    :param stats_window_size: kept for SB3's interface
    :param tensorboard_log: folder for TensorBoard logs, ``None`` for none
    :param verbose: 0 for no output, 1 for info, 2 for debug
    :param device: device to train on
    :param seed: seed of the initial weights and of the minibatches
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    default_total_timesteps: ClassVar[int] = 4400
    objective: PRESAObjective

    def __init__(
        self,
        policy: str | type[BasePolicy] = "MlpPolicy",
        env: GymEnv | str | None = None,
        learning_rate: float | Schedule = CosineSchedule(3e-4, 6e-6),
        n_cloning_steps: int = 2000,
        unsafe_cloning_weight: float = 0.001,
        clone_winners: bool = True,
        cloning_learning_rate: float = 1e-3,
        cloning_batch_size: int = 1024,
        n_pairs: int = 32,
        n_segment_steps: int = 32,
        gamma: float = 0.99,
        safety_gamma: float = 1.0,
        normalize_length: bool = True,
        clip_range: float | None = 0.25,
        alpha: float = 0.07,
        beta: float = 0.1,
        preference_bias: float = 1.0,
        preference_coef: float = 1.0,
        preference_filter: str = "balanced",
        anchor_coef: float = 3.0,
        anchor_sharpness: float = 0.5,
        unlabelled_coef: float = 0.0,
        delta: float = DEFAULT_DELTA,
        n_attain_steps: int = 300,
        attain_margin: float = 0.8,
        unsafe_weight: float | None = 2.0 / 3.0,
        center_utilities: bool = True,
        multiplier_init: float = 0.5,
        multiplier_learning_rate: float = 0.05,
        multiplier_max: float = 4.0,
        average_decay: float = 0.99,
        max_grad_norm: float = 10.0,
        validation_fraction: float = 0.0,
        precision: str = "auto",
        compile: bool = False,
        policy_kwargs: dict[str, Any] | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        device: th.device | str = "auto",
        seed: int | None = None,
        _init_setup_model: bool = True,
    ) -> None:
        if not 0.0 <= unsafe_cloning_weight <= 1.0:
            raise ConfigError(
                f"unsafe_cloning_weight is {unsafe_cloning_weight}; allowed is [0, 1]"
            )
        self.unsafe_cloning_weight = unsafe_cloning_weight
        self.clone_winners = clone_winners
        self.n_pairs = n_pairs
        self.n_segment_steps = n_segment_steps
        self.gamma = gamma
        self.safety_gamma = safety_gamma
        self.normalize_length = normalize_length
        self.clip_range = clip_range
        self.alpha = alpha
        self.beta = beta
        self.preference_bias = preference_bias
        self.preference_coef = preference_coef
        self.preference_filter = preference_filter
        self.anchor_coef = anchor_coef
        self.anchor_sharpness = anchor_sharpness
        self.unlabelled_coef = unlabelled_coef
        self.delta = delta
        self.n_attain_steps = n_attain_steps
        self.attain_margin = attain_margin
        self.unsafe_weight = unsafe_weight
        self.center_utilities = center_utilities
        self.multiplier_init = multiplier_init
        self.multiplier_learning_rate = multiplier_learning_rate
        self.multiplier_max = multiplier_max
        self._make_objective()  # refuses settings out of their range now, not when data come
        super().__init__(
            policy,
            env,
            learning_rate,
            n_cloning_steps=n_cloning_steps,
            cloning_learning_rate=cloning_learning_rate,
            cloning_batch_size=cloning_batch_size,
            validation_fraction=validation_fraction,
            precision=precision,
            compile=compile,
            max_grad_norm=max_grad_norm,
            average_decay=average_decay,
            policy_kwargs=policy_kwargs,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            seed=seed,
            init_setup_model=_init_setup_model,
        )

    def _make_objective(self) -> PRESAObjective:
        settings = PRESASettings(
            gamma=self.gamma,
            safety_gamma=self.safety_gamma,
            normalize_length=self.normalize_length,
            clip_range=self.clip_range,
            alpha=self.alpha,
            beta=self.beta,
            preference_bias=self.preference_bias,
            preference_coef=self.preference_coef,
            preference_filter=self.preference_filter,
            anchor_coef=self.anchor_coef,
            anchor_sharpness=self.anchor_sharpness,
            unlabelled_coef=self.unlabelled_coef,
            delta=self.delta,
            n_attain_steps=self.n_attain_steps,
            attain_margin=self.attain_margin,
            unsafe_weight=self.unsafe_weight,
            center_utilities=self.center_utilities,
            multiplier_init=self.multiplier_init,
            multiplier_learning_rate=self.multiplier_learning_rate,
            multiplier_max=self.multiplier_max,
        )
        return PRESAObjective(settings, self.n_pairs, self.n_segment_steps)

    def _before_learning(self, total_timesteps: int) -> None:
        super()._before_learning(total_timesteps)
        attained = self.n_cloning_steps + self.n_attain_steps
        if max(self.num_timesteps, self.n_cloning_steps) < total_timesteps <= attained:
            warnings.warn(
                f"learn() ends at step {total_timesteps}, within the {self.n_attain_steps} steps "
                "that only find which delta can be attained, so neither preferences nor the "
                f"constraint have a part in it. Go on to more than {attained} steps, or lower "
                "n_cloning_steps or n_attain_steps.",
                stacklevel=3,
            )

    def _cloning_weights(self, labels: SegmentLabels, held_out: SegmentLabels) -> th.Tensor | None:
        assert self.buffer is not None
        least, n = self.unsafe_cloning_weight, self.buffer.n_transitions
        if least == 1.0:
            return None
        acceptable = share_acceptable(labels, n, held_out)
        shares = [2.0 * acceptable * share_won(labels, n)] if self.clone_winners else []
        for share in [*shares, acceptable]:  # all that is safe, where nothing safe ever won
            if bool((share > 0.0).any()):
                return least + (1.0 - least) * share
        warnings.warn(
            "the labels call every transition unsafe: all of them are cloned, unsafe as they are",
            stacklevel=4,
        )
        return None

    def _complete_labels(self, labels: SegmentLabels, transitions: Transitions) -> SegmentLabels:
        if self.unlabelled_coef == 0.0:
            return labels
        n = len(transitions.actions)
        return add_unlabelled(labels, transitions.episode_starts, n, self.validation)
