"""PRESA's constrained objective and its state: multiplier, offset, attainable level."""

import warnings
from collections.abc import Hashable
from dataclasses import dataclass, replace

import torch as th

from sb3_presa.errors import ConfigError
from sb3_presa.learning import losses
from sb3_presa.learning.alignment import Objective, PairBatch
from sb3_presa.learning.segment_buffer import SegmentLabels
from sb3_presa.learning.unlabelled import has_label, has_safety_label

#: PRESA's own delta. It stands for the highest level that can be attained with a margin: that it
#: is lowered to that is not worth a warning.
DEFAULT_DELTA = 0.95
#: Share of the pairs that are drawn of what is not labelled, if nothing is.
_MOST_UNLABELLED = 0.25
#: Decay of the running means of the offset and of E[p].
_RUNNING_DECAY = 0.95


@dataclass(frozen=True)
class PRESASettings:
    """Settings of :class:`PRESAObjective`; :class:`PRESA` says what each does."""

    gamma: float
    safety_gamma: float
    normalize_length: bool
    clip_range: float | None
    alpha: float
    beta: float
    preference_bias: float
    preference_coef: float
    preference_filter: str
    anchor_coef: float
    anchor_sharpness: float
    unlabelled_coef: float
    delta: float
    n_attain_steps: int
    attain_margin: float
    unsafe_weight: float | None
    center_utilities: bool
    multiplier_init: float
    multiplier_learning_rate: float
    multiplier_max: float

    def __post_init__(self) -> None:
        if not 0.0 < self.delta < 1.0:
            raise ConfigError(f"delta is {self.delta}; it is a probability in (0, 1)")
        for name in ("gamma", "safety_gamma", "preference_bias", "attain_margin"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed is (0, 1]")
        for name in ("clip_range", "unsafe_weight"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < 1.0:
                raise ConfigError(f"{name} is {value}; allowed is (0, 1) or None")
        if self.preference_filter not in ("all", "balanced", "winner-safe"):
            raise ConfigError(
                f"preference_filter is {self.preference_filter!r}; allowed are 'all', 'balanced' "
                "and 'winner-safe'"
            )
        for name in ("alpha", "beta", "multiplier_learning_rate"):
            if getattr(self, name) <= 0.0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in (
            "preference_coef",
            "anchor_coef",
            "anchor_sharpness",
            "unlabelled_coef",
            "multiplier_max",
            "n_attain_steps",
        ):
            if getattr(self, name) < 0.0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 0")
        if not 0.0 <= self.multiplier_init <= self.multiplier_max:
            raise ConfigError(
                f"multiplier_init is {self.multiplier_init}; allowed is [0, multiplier_max], and "
                f"multiplier_max is {self.multiplier_max}"
            )


class PRESAObjective(Objective):
    """
    Minimises the preference loss subject to E[p(label is right)] >= delta.

    Phase 1 (``n_attain_steps``) maximises E[p] alone, to find the level that can be attained;
    phase 2 starts from the reference again, and descends on the Lagrangian while the multiplier
    ascends.

    :param settings: see :class:`~sb3_presa.algorithms.presa.PRESA`
    :param n_pairs: pairs of segments a gradient step
    :param n_segment_steps: steps sampled of each segment longer than that
    """

    multiplier: th.Tensor
    delta: th.Tensor
    offset: th.Tensor
    attained: th.Tensor
    unlabelled_share: th.Tensor

    def __init__(self, settings: PRESASettings, n_pairs: int, n_segment_steps: int) -> None:
        super().__init__(n_pairs, n_segment_steps)
        self.settings = settings
        self.register_buffer("multiplier", th.tensor(float(settings.multiplier_init)))
        self.register_buffer("delta", th.tensor(settings.delta))
        self.register_buffer("offset", th.tensor(0.0))
        self.register_buffer("attained", th.tensor(0.5))
        # Of the data, not of the agent: it is not saved
        self.register_buffer("unlabelled_share", th.tensor(0.0), persistent=False)

    def reset(self) -> None:
        self.multiplier.fill_(self.settings.multiplier_init)
        self.delta.fill_(self.settings.delta)
        self.offset.zero_()
        self.attained.fill_(0.5)

    def attach(self, labels: SegmentLabels) -> None:
        self.has_safety = bool((~labels.p_safe.isnan()).any())
        self.has_comparisons = bool((~labels.preferences.isnan()).any())
        labelled = has_label(labels)
        if not bool(labelled.any()):
            raise ConfigError("the feedback holds no label to train on")
        self._warn_of_missing_labels(labels)
        usable = ~labels.preferences.isnan()
        if self.settings.preference_filter == "winner-safe":
            usable &= _winner_may_be_safe(labels)
            self._warn_if_none_is_usable(labels, usable)
        drawn = usable
        if self.settings.preference_filter == "balanced":
            drawn = usable & _winner_may_be_safe(labels)
        self._is_unlabelled = ~labelled
        # E[p] is of what has a safety label: no minibatch may lack one
        first = has_safety_label(labels) if self.has_safety else labelled
        self._first_rows = first.nonzero().flatten()
        self._unlabelled_rows = self._is_unlabelled.nonzero().flatten()
        self._n_unlabelled = round(_MOST_UNLABELLED * self.n_pairs * labels.unlabelled_share)
        self.unlabelled_share.fill_(labels.unlabelled_share)
        self._usable_comparison = usable
        self._drawn_rows = (drawn if bool(drawn.any()) else usable).nonzero().flatten()

    def _warn_of_missing_labels(self, labels: SegmentLabels) -> None:
        if not self.has_comparisons:
            warnings.warn("there are no comparisons: only safety is learnt", stacklevel=2)
        if not self.has_safety:
            warnings.warn(
                "there are no safety labels: preferences are learnt without a constraint",
                stacklevel=2,
            )
            return
        safe, unsafe = bool((labels.p_safe > 0.5).any()), bool((labels.p_safe < 0.5).any())
        if not (safe and unsafe):
            only = "safe" if safe else "unsafe" if unsafe else "unsure"
            warnings.warn(
                f"every safety label says {only}: the constraint is one-sided", stacklevel=2
            )

    def _warn_if_none_is_usable(self, labels: SegmentLabels, usable: th.Tensor) -> None:
        if self.has_comparisons and not bool(usable.any()):
            n_comparisons = int((~labels.preferences.isnan()).sum())
            warnings.warn(
                f"none of the {n_comparisons} comparisons has a winner that may be safe: only "
                "safety is learnt. preference_filter='all' uses them all the same.",
                stacklevel=2,
            )

    def signature(self) -> Hashable:
        # These act between steps only, on buffers
        settings = replace(self.settings, delta=0.5, multiplier_init=0.0, attain_margin=1.0)
        sizes = self.n_pairs, self.n_segment_steps
        return settings, sizes, self.has_safety, self.has_comparisons

    def sample_pairs(self, labels: SegmentLabels, generator: th.Generator) -> th.Tensor:
        """
        Half of the pairs uniformly among those with a safety label, or all where there is no such
        label; half among the comparisons that the preference loss uses, or those of them with a
        winner that may be safe (``"balanced"``). Where data are not labelled, some of the first
        half are pairs without a label.

        :param labels: the training labels
        :param generator: source of randomness
        :return: rows of ``labels.pairs``, (n_pairs,)
        """

        def draw(rows: th.Tensor, n: int) -> th.Tensor:
            return rows[th.randint(len(rows), (n,), generator=generator, device=generator.device)]

        n_drawn = self.n_pairs // 2 if len(self._drawn_rows) else 0
        drawn = [draw(self._first_rows, self.n_pairs - n_drawn - self._n_unlabelled)]
        if n_drawn:
            drawn.append(draw(self._drawn_rows, n_drawn))
        if self._n_unlabelled:
            drawn.append(draw(self._unlabelled_rows, self._n_unlabelled))
        return th.cat(drawn)

    def phase_start(self, step: int) -> int:
        if step < self.settings.n_attain_steps or not self.has_safety:
            return 0
        return self.settings.n_attain_steps

    def before_step(self, step: int) -> dict[str, float]:
        if step == 0 or step != self.phase_start(step):
            return {}
        attained = float(self.attained)
        # The reference classifies at chance, 0.5: all its log-ratios are 0
        reachable = 0.5 + self.settings.attain_margin * (attained - 0.5)
        if reachable < self.settings.delta != DEFAULT_DELTA:
            warnings.warn(
                f"delta = {self.settings.delta:g} cannot be reached with a margin: the mean "
                f"probability of a right safety classification rose to {attained:.3f} at most. "
                f"Training goes on with delta = {reachable:.3f}, "
                f"{self.settings.attain_margin:g} of the way there from chance.",
                stacklevel=2,
            )
        self.delta.fill_(min(self.settings.delta, reachable))
        self.offset.zero_()  # as the log-ratios are, back at the reference
        return {"attained": attained, "delta": float(self.delta)}

    def segment_log_ratio(self, batch: PairBatch, gamma: float) -> th.Tensor:
        """
        :param batch: the minibatch
        :param gamma: discount of the steps' log-ratios
        :return: r of each segment, (B, 2)
        """
        log_ratio, clip_range = batch.log_ratio, self.settings.clip_range
        if clip_range is not None:
            log_ratio = losses.clip_log_ratio(log_ratio, clip_range)
        return losses.segment_log_ratio(
            log_ratio,
            batch.weights,
            batch.positions,
            batch.lengths,
            gamma,
            self.settings.normalize_length,
        )

    def utility(self, batch: PairBatch) -> th.Tensor:
        r = self.segment_log_ratio(batch, self.settings.safety_gamma)
        return self.settings.beta * r - self.offset

    def forward(self, batch: PairBatch, step: int) -> tuple[th.Tensor, dict[str, th.Tensor]]:
        settings = self.settings
        r = self.segment_log_ratio(batch, settings.gamma)
        preference, preference_metrics = self._preference(batch, r)
        anchor = self._anchor(batch, r.detach())
        unlabelled = self._unlabelled(batch)
        metrics = {**preference_metrics, "anchor_loss": anchor, "unlabelled_loss": unlabelled}
        regularised = settings.anchor_coef * anchor + settings.unlabelled_coef * unlabelled
        if not self.has_safety:
            return settings.preference_coef * preference + regularised, metrics
        probability, safety_metrics = self._safety(batch)
        if step < settings.n_attain_steps:
            loss = -probability + regularised
            self.attained += (1.0 - _RUNNING_DECAY) * (probability.detach() - self.attained)
        else:
            lagrangian = losses.lagrangian(
                settings.preference_coef * preference,
                probability,
                self.multiplier.clone(),  # it is changed in place below, before backward
                self.delta,
            )
            loss = lagrangian + regularised
            self.multiplier.copy_(
                losses.dual_ascent(
                    self.multiplier,
                    probability,
                    self.delta,
                    settings.multiplier_learning_rate,
                    settings.multiplier_max,
                )
            )
        metrics |= safety_metrics
        metrics |= {"multiplier": self.multiplier.clone(), "delta": self.delta}
        return loss, metrics

    def _preference(self, batch: PairBatch, r: th.Tensor) -> tuple[th.Tensor, dict[str, th.Tensor]]:
        usable = self._usable_comparison[batch.rows].float()
        preference = batch.preference.nan_to_num(0.5)
        utility = self.settings.alpha * r
        loss = losses.preference_loss(
            utility[:, 0], utility[:, 1], preference, self.settings.preference_bias
        )
        first_won = (preference > 0.5).unsqueeze(-1)
        winner_loser = th.where(first_won, r, r.flip(-1)).detach()
        return losses.weighted_mean(loss, usable), {
            "preference_loss": losses.mean_if_any(loss.detach(), usable),
            "log_ratio_preferred": losses.mean_if_any(winner_loser[:, 0], usable),
            "log_ratio_rejected": losses.mean_if_any(winner_loser[:, 1], usable),
        }

    def _safety(self, batch: PairBatch) -> tuple[th.Tensor, dict[str, th.Tensor]]:
        labelled = (~batch.p_safe.isnan()).float()
        p_safe = batch.p_safe.nan_to_num(0.5)
        r = self.segment_log_ratio(batch, self.settings.safety_gamma)
        utility = self.settings.beta * r
        if self.settings.center_utilities:
            self._update_offset(utility.detach(), p_safe, labelled)
        probability = losses.label_probability(utility - self.offset.clone(), p_safe)
        expected = losses.expected_label_probability(
            probability, p_safe, labelled, self.settings.unsafe_weight
        )
        safe, unsafe = labelled * p_safe, labelled * (1.0 - p_safe)
        return expected, {
            "p_right": expected,
            "p_right_safe": losses.mean_if_any(probability.detach(), safe),
            "p_right_unsafe": losses.mean_if_any(probability.detach(), unsafe),
            "offset": self.offset.clone(),
        }

    def _update_offset(self, utility: th.Tensor, p_safe: th.Tensor, labelled: th.Tensor) -> None:
        """Moves the offset towards the middle between the classes' mean utilities."""
        safe, unsafe = labelled * p_safe, labelled * (1.0 - p_safe)
        means = losses.weighted_mean(utility, safe), losses.weighted_mean(utility, unsafe)
        both = ((safe.sum() > 0) & (unsafe.sum() > 0)).float()
        middle = 0.5 * (means[0] + means[1])
        self.offset += both * (1.0 - _RUNNING_DECAY) * (middle - self.offset)

    def _anchor(self, batch: PairBatch, r: th.Tensor) -> th.Tensor:
        """Negative log-likelihood of safe winners, of the policy's favourites most."""
        if self.has_comparisons:
            first, second = batch.preference, 1.0 - batch.preference
            won = th.stack([first, second], dim=-1).nan_to_num(0.0)
        else:
            won = th.ones_like(batch.p_safe)
        safe = batch.p_safe.nan_to_num(0.0) if self.has_safety else 1.0
        steps = batch.weights / batch.lengths.unsqueeze(-1)
        utility = self.settings.anchor_sharpness * r
        # in logarithms, or a high utility of another segment makes all weights vanish
        weights = th.softmax(((won * safe).log() + utility).flatten(), 0).nan_to_num(0.0)
        return -(weights * (steps * batch.log_prob).sum(-1).flatten()).sum()

    def _unlabelled(self, batch: PairBatch) -> th.Tensor:
        """Negative log-likelihood of what no label covers, times its share of the data."""
        if self.settings.unlabelled_coef == 0.0:
            return self.unlabelled_share.clone()  # 0: nothing was added to be cloned
        weights = batch.weights * self._is_unlabelled[batch.rows][:, None, None]
        return -self.unlabelled_share * losses.weighted_mean(batch.log_prob, weights)


def _winner_may_be_safe(labels: SegmentLabels) -> th.Tensor:
    """Whether no winner of each comparison is labelled unsafe; a tie has two winners."""
    # NaN compares as False: a winner that nobody labelled is not known to be unsafe
    first, second = (labels.p_safe[labels.pairs] < 0.5).unbind(1)
    first_won, second_won = labels.preferences >= 0.5, labels.preferences <= 0.5
    return ~((first & first_won) | (second & second_won))
