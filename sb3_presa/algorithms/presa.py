"""PRESA: preference-based and safety-based alignment of an offline policy."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch as th
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from stable_baselines3.common.vec_env import VecNormalize

from sb3_presa.algorithms.objective import PRESAObjective
from sb3_presa.algorithms.paper import PAPER_SETTINGS
from sb3_presa.arguments import (
    Bound,
    Count,
    CountFromZero,
    NonNegative,
    Positive,
    Seed,
    Share,
    ShareAboveZero,
    ShareBelowOne,
    ShareWithin,
)
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.acceptable import cloning_weights, in_better_half
from sb3_presa.learning.adjustable import AdjustableAlgorithm
from sb3_presa.learning.agent import Imitate, agent_actions
from sb3_presa.learning.alignment import Align, PairLoss, Reference
from sb3_presa.learning.exactness import Exactness
from sb3_presa.learning.offline_data import (
    LABELS,
    LEVELS,
    CompletionMode,
    Needs,
    OfflineData,
    completed,
)
from sb3_presa.learning.phases import (
    AllRows,
    Clone,
    LikelihoodPhase,
    Phase,
    RowSampler,
    RowsOfLevels,
    SegmentRows,
    WeightedRows,
)
from sb3_presa.learning.precision import Precision
from sb3_presa.learning.schedules import CosineSchedule
from sb3_presa.learning.settings import Delta, ObjectiveSettings, as_settings
from sb3_presa.learning.source import BatchSource, SegmentLabels, make_source
from sb3_presa.learning.unlabelled import add_unlabelled
from sb3_presa.learning.utility import segment_utilities
from sb3_presa.policies.spaces import check_fits

#: Share of the learning rate with which an exact clone is aligned where the task ends episodes
#: early. All of it takes a sixth of the reward, also where labels are sure; none leaves twice the
#: cost.
_GENTLY: Final = 0.3


class PRESA(AdjustableAlgorithm):
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

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class; ``"auto"``
        chooses by the observation space
    :param env: environment to take the spaces from, or ``None`` to take the dataset's; it is
        never stepped while learning
    :param learning_rate: learning rate of alignment, a number or a function of the share of the
        alignment steps that remains (1 to 0)
    :param n_cloning_steps: gradient steps of behaviour cloning
    :param pretraining_share: share in [0, 1) of the cloning steps, the first ones, that clone
        transitions as far as labels call them safe, whatever they earn: the best is little, and the
        rest shows how actions move the system. Where the task ends episodes early, and seven in
        ten labels are predicted right, only the better half of what is safe is cloned. 0 in the
        paper
    :param unsafe_cloning_weight: least weight in [0, 1] in cloning, that of the transitions which
        labels call unsafe (where labels overlap, as far as their mean does). 1 clones all alike,
        as in the paper
    :param clone_winners: ``True`` weighs what labels call safe by twice the share of its
        comparisons that it won: 2 for winners, the least weight for losers, 1 for ties and where
        nothing was compared. ``False`` weighs it alike
    :param cloning_learning_rate: learning rate at the start of cloning; falls to a hundredth
    :param cloning_batch_size: transitions a cloning step
    :param n_pairs: pairs of segments an alignment step; half are drawn from all labels, half
        from the comparisons that ``preference_filter`` (in ``objective_kwargs``) names
    :param n_segment_steps: steps sampled, stratified, of each segment longer than that
    :param gamma: discount in (0, 1] of the log-ratios along a segment, in the preference loss
    :param clip_range: a step whose action has become less likely than 1 - ``clip_range`` of what
        it was under the reference counts no further, as in PPO: nothing is gained by leaving the
        data. In (0, 1). ``None`` is the paper's log-ratio, which falls without bound
    :param alpha: inverse temperature of the preference loss, per unit of r
    :param beta: inverse temperature of the safety classification, per unit of r
    :param anchor_coef: weight of a cloning term on segments that won their comparison and are
        safe, which keeps the policy near data that are both; 0 in the paper
    :param unlabelled_coef: weight of a cloning term on the transitions that no label covers, times
        their share of the data; up to a quarter of ``n_pairs`` are drawn for it. It keeps the
        policy at what was logged where people said nothing, so use it (10 to 30) where labels
        cover little and most of what was logged is acceptable. 0 in the paper
    :param delta: level in (0, 1) that E[p(label is right)] must reach; one that cannot be reached
        is lowered with a warning. ``"auto"`` is the highest level that can be attained, with a
        margin
    :param objective_kwargs: further settings of the objective, which only an expert turns:
        :class:`~sb3_presa.learning.settings.ObjectiveSettings` documents them
    :param average_decay: the weights that act are the running average of the trained ones; this
        is the share of the old average that stays at each step (0 acts with the last weights,
        as the paper does)
    :param max_grad_norm: gradients are clipped to this norm
    :param validation_fraction: share in [0, 1) of the labels held out by episode; preference
        accuracy and safety AUC on them are logged
    :param completion: estimate labels for all of the data from those that were given, and learn
        from these (see :func:`sb3_presa.completion.complete`): cloning and the cloning term then
        follow the best of the segments that are safe. ``"auto"`` does so where the estimates are
        better than chance at labels that they have not seen, and comparisons without safety labels
        are not of clips that begin anywhere. ``False`` is the paper
    :param safety_level: with completion, from cautious (near 1) to bold (near 0): the lowest
        probability that a segment is safe which is imitated
    :param adjustable: with completion, learn how to act at every safety level in one training: the
        network sees the level, and setting ``safety_level`` of the trained model (or handing it to
        ``load``) makes it more cautious or bolder at once
    :param precision: of the networks' forward and backward passes in training: ``"float32"``,
        which repeats between machines, ``"bfloat16"`` (autocast), or ``"auto"``: bfloat16 on a CPU
        that multiplies bfloat16 in hardware (AVX512-BF16, AMX), float32 elsewhere, GPUs included.
        ``predict`` is in float32
    :param compile: compile the alignment step with ``torch.compile``, which takes longer than a run
        of the default length saves; where it does not compile it runs uncompiled, with a warning
    :param policy_kwargs: further arguments of the policy
    :param tensorboard_log: folder for TensorBoard logs, ``None`` for none
    :param verbose: 0 for no output, 1 for info, 2 for debug
    :param device: device to train on
    :param seed: seed of the initial weights and of the minibatches
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    default_total_timesteps: ClassVar[int] = 1350
    needs: Needs = LABELS
    objective: PRESAObjective

    #: The paper's settings, as arguments of the constructor.
    PAPER: ClassVar[Mapping[str, Any]] = PAPER_SETTINGS

    def __init__(
        self,
        policy: str | type[BasePolicy] = "auto",
        env: GymEnv | str | None = None,
        learning_rate: NonNegative | Schedule = CosineSchedule(3e-4, 6e-6),
        n_cloning_steps: CountFromZero = 1100,
        pretraining_share: ShareBelowOne = 0.5,
        unsafe_cloning_weight: Share = 0.001,
        clone_winners: bool = True,
        cloning_learning_rate: Positive = 3e-3,
        cloning_batch_size: Count = 512,
        n_pairs: Count = 16,
        n_segment_steps: Count = 32,
        alpha: Positive = 0.07,
        beta: Positive = 0.1,
        gamma: ShareAboveZero = 0.99,
        delta: Delta = "auto",
        clip_range: ShareWithin | None = 0.25,
        anchor_coef: NonNegative = 3.0,
        unlabelled_coef: NonNegative = 0.0,
        objective_kwargs: Mapping[str, Any] | None = None,
        average_decay: ShareBelowOne = 0.99,
        max_grad_norm: Bound = 10.0,
        validation_fraction: ShareBelowOne = 0.0,
        completion: CompletionMode = "auto",
        safety_level: ShareWithin = 0.7,
        adjustable: bool = False,
        precision: Precision = "float32",
        compile: bool = False,
        policy_kwargs: dict[str, Any] | None = None,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        device: th.device | str = "auto",
        seed: Seed | None = None,
        _init_setup_model: bool = True,
    ) -> None:
        self.pretraining_share = pretraining_share
        self.unsafe_cloning_weight = unsafe_cloning_weight
        self.clone_winners = clone_winners
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.delta = delta
        self.clip_range = clip_range
        self.anchor_coef = anchor_coef
        self.unlabelled_coef = unlabelled_coef
        self.objective_kwargs = as_settings(objective_kwargs)
        self.completion = completion
        self.adjustable = adjustable
        self.safety_level = safety_level
        #: class of the agent that is the reference, ``None`` for a clone of the logs
        self.agent: str | None = None
        self._agent_actions: th.Tensor | None = None
        super().__init__(
            policy,
            env,
            learning_rate,
            n_cloning_steps=n_cloning_steps,
            cloning_learning_rate=cloning_learning_rate,
            cloning_batch_size=cloning_batch_size,
            n_pairs=n_pairs,
            n_segment_steps=n_segment_steps,
            validation_fraction=validation_fraction,
            precision=precision,
            compile=compile,
            max_grad_norm=max_grad_norm,
            average_decay=average_decay,
            policy_kwargs=policy_kwargs,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            seed=seed,
            init_setup_model=_init_setup_model,
        )

    @classmethod
    def from_agent(
        cls,
        agent: BaseAlgorithm,
        dataset: DatasetLike,
        feedback: str | Feedback = "default",
        *,
        vec_normalize: VecNormalize | None = None,
        **kwargs: Any,
    ) -> Self:
        """
        A new model whose reference is an agent that exists already, ready to ``learn()``. The first
        ``n_cloning_steps`` clone what the agent would have done at each logged observation, not
        what was done. Alignment then starts from the agent; it needs more steps and larger ones
        than from a clone of what is safe; the guide to deployment has settings that were measured.

        :param agent: a model of Stable-Baselines3: PPO, SAC or another
        :param dataset: logs, best of the agent itself with exploration: a Minari dataset, its id,
            or its folder
        :param feedback: labels of clips of them, or the name of the set beside the dataset
        :param vec_normalize: the statistics with which the agent's observations were normalised;
            by default those of the agent's own environment, if it has one
        :param kwargs: arguments of the constructor; ``adjustable`` must be ``False``
        :return: the model
        :raises ConfigError: if the agent has other spaces than the data
        :raises DatasetError: if the dataset cannot be used
        :raises FeedbackError: if the labels cannot be used
        """
        if kwargs.get("adjustable"):
            raise ConfigError(
                "`adjustable` must be False with an agent, which has one way to act, got "
                f"{kwargs['adjustable']!r}"
            )
        actions = th.as_tensor(agent_actions(agent, load_transitions(dataset), vec_normalize))
        model = cls.load_offline(dataset, feedback, **kwargs)
        model.agent = type(agent).__name__
        model._agent_actions = model.policy.scale_actions(actions.to(model.device))
        return model

    def _make_objective(self) -> PRESAObjective:
        return PRESAObjective(ObjectiveSettings.of(self), self.n_pairs)

    def _pair_loss(self) -> PairLoss:
        return self.objective.loss(attains=False)

    def phases(self, total_timesteps: int | None = None) -> Sequence[Phase]:
        aligns = self._labels_say("aligns", otherwise=True)
        aligns = aligns or self.delta != "auto"  # one that was given is to be met
        if aligns or self.agent is not None:  # whose clone alone would be as unsafe as it is
            return super().phases(total_timesteps)
        end = self.default_total_timesteps if total_timesteps is None else total_timesteps
        return self._clone(max(end, 1))  # labels that are too uncertain to align with

    def _alignment_phases(self, end: int) -> Sequence[Align]:
        reference = Reference(self.policy, self.require_source(), self._autocast)
        start, n_attain = self.n_cloning_steps, self.objective.settings.n_attain_steps
        shared = {"reference": reference, "exactness": self._exactness()}
        if not self.objective.has_safety:
            return [self._align("prefer", start, end, end, self._pair_loss(), **shared)]
        settled = start + n_attain
        constrain = self._align(
            "constrain",
            settled,
            max(end, settled + 1),
            end,
            self._pair_loss(),
            freezes_reference=not n_attain,
            on_enter=self.objective.settle_delta if n_attain else None,
            **shared,
        )
        if not n_attain:
            return [constrain]
        constrain.reports += ("train/attained",)
        attain = self._align(
            "attain", start, settled, end, self.objective.loss(attains=True), **shared
        )
        return [attain, constrain]

    def _exactness(self) -> Exactness | None:
        """The test whether the clone is kept; ``None`` where labels did not choose what it is."""
        source, least = self.require_source(), self.objective.settings.least_clone_error
        if source.training.weights is None or self.agent is not None:
            return None
        end_early = self._labels_say("end_early")
        sure = self._labels_say("aligns_exact") and not end_early
        if sure or self.delta != "auto":  # a delta that was given is to be met
            least = 0.0
        share = _GENTLY if end_early else 0.0
        return Exactness(self.policy, source, self._cloning_rows(source), least, share)

    def _labels_say(self, what: str, otherwise: bool = False) -> bool:
        """A note of completion with its labels, or the default for labels as they were given."""
        return otherwise if self.feedback is None else self.feedback.provenance.get(what, otherwise)

    def _shortage(self, phases: Sequence[Phase], end: int) -> str:
        last = phases[-1]
        if not max(self.num_timesteps, self.n_cloning_steps) < end <= last.start:
            return super()._shortage(phases, end)
        return (
            f"`total_timesteps` should be above {last.start}, got {end}: the run ends within the "
            f"{self.objective.settings.n_attain_steps} steps that find the attainable delta, so "
            "neither preferences nor the constraint count. Raise total_timesteps, or lower "
            "n_cloning_steps or n_attain_steps."
        )

    def _cloning_rows(self, source: BatchSource) -> RowSampler:
        if self.adjustable:
            return RowsOfLevels(source, self.cloning_batch_size)
        given = source.training.weights_at(self.safety_level)
        if given is not None:
            return SegmentRows(source, given, self.cloning_batch_size)
        return self._rows_by_labels(source, self.clone_winners)

    def _rows_by_labels(self, source: BatchSource, winners: bool) -> RowSampler:
        labels, held_out, n = source.training, source.held_out, source.n_transitions
        size = self.cloning_batch_size
        weights = cloning_weights(labels, held_out, n, self.unsafe_cloning_weight, winners)
        if weights is None:
            return AllRows(n, size)
        better = self._labels_say("end_early") and self._labels_say("aligns")
        if labels.weights is not None and better:
            weights = weights * in_better_half(labels, n)
        return WeightedRows(weights, size)

    def _complete(self, feedback: Feedback, transitions: Transitions) -> Feedback:
        level = LEVELS if self.adjustable else self.safety_level
        return completed(feedback, transitions, self.completion, level, self.data_seed)

    def _clone(self, stop: int) -> Sequence[LikelihoodPhase]:
        source, rate = self.require_source(), self._cloning_rate(stop)
        if self.agent is not None and self.num_timesteps < stop:
            targets = self._agent_actions
            if targets is None or len(targets) != source.n_transitions:
                raise ConfigError(
                    f"this model follows a {self.agent} until step {stop}, which its file does not "
                    "hold; make it anew with PRESA.from_agent"
                )
            everything = AllRows(source.n_transitions, self.cloning_batch_size)
            return [self._cloning(Imitate, 0, stop, rate, targets=targets, rows=everything)]
        best = self._cloning_rows(source)
        turn = round(self.pretraining_share * min(stop, self.n_cloning_steps))
        if turn == 0 or isinstance(best, AllRows):  # where all is cloned alike, so is what is safe
            return [self._cloning(Clone, 0, stop, rate, rows=best)]
        safe = self._rows_by_labels(source, winners=False)
        levels = best.levels if isinstance(best, RowsOfLevels) else None
        return [
            self._cloning(Clone, 0, turn, rate, rows=safe, levels=levels),
            self._cloning(Clone, turn, stop, rate, rows=best, levels=levels),
        ]

    def _prepare_labels(
        self, training: SegmentLabels, held_out: SegmentLabels, transitions: Transitions
    ) -> SegmentLabels:
        if self.unlabelled_coef > 0.0:
            n = len(transitions.actions)
            training = add_unlabelled(training, transitions.episode_starts, n, held_out)
        return super()._prepare_labels(training, held_out, transitions)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_agent_actions"]

    def preference_utility(
        self, transitions: Transitions, segments: Sequence[tuple[int, int, int]]
    ) -> NDArray[np.float64]:
        """
        The scaled utility of segments to the policy that acts, as the preference loss has it: the
        probability that the first of two is preferred is the sigmoid of the difference.

        :param transitions: a dataset's steps
        :param segments: rows of (episode id, first step, steps) of it
        :return: (S,)
        :raises ConfigError: if the model has no policy yet
        :raises DatasetError: if the dataset has other spaces than the model
        """
        self._check_has_policy()
        check_fits(self, transitions.observation_space, transitions.action_space)
        data = OfflineData.of(transitions, Feedback.create(transitions, segments))
        source = make_source(data, self.device, self.policy.scale_actions)
        return segment_utilities(self.policy, source, self.objective.settings)
