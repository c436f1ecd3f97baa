"""PRESA's constrained objective: its state, and what it makes of the labels."""

import warnings
from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import partial

import torch as th

from sb3_presa.arguments import Interval
from sb3_presa.errors import ConfigError
from sb3_presa.learning.alignment import Objective, PairLoss, PairSampler
from sb3_presa.learning.losses import PairBatch, clipped_segment_log_ratio, presa_loss
from sb3_presa.learning.settings import ObjectiveSettings
from sb3_presa.learning.source import SegmentLabels

#: Share of the pairs that are drawn of data without a label, where none has one.
_MOST_UNLABELLED = 0.25
#: Where the search for an attainable delta begins; it is the multiplier's level without a search.
_HIGHEST_DELTA = 0.95


class PRESAObjective(Objective):
    """
    Minimises the preference loss subject to E[p(label is right)] >= delta.

    One phase (``n_attain_steps``) maximises E[p] alone, to find the level that can be attained; the
    next starts from the reference again, and descends on the Lagrangian while the multiplier
    ascends.

    :param settings: see :class:`~sb3_presa.PRESA`
    :param n_pairs: pairs of segments a gradient step
    """

    multiplier: th.Tensor
    delta: th.Tensor
    offset: th.Tensor
    attained: th.Tensor
    unlabelled_share: th.Tensor

    def __init__(self, settings: ObjectiveSettings, n_pairs: int) -> None:
        super().__init__()
        self.settings = settings
        self.n_pairs = n_pairs
        self.has_safety = self.has_comparisons = False
        for name in ("multiplier", "delta", "offset", "attained"):
            self.register_buffer(name, th.tensor(0.0))
        # Of the data, not of the agent: it is not saved
        self.register_buffer("unlabelled_share", th.tensor(0.0), persistent=False)
        self.reset()

    def reset(self) -> None:
        delta = self.settings.delta
        self.multiplier.fill_(self.settings.multiplier_init)
        self.delta.fill_(_HIGHEST_DELTA if delta == "auto" else delta)
        self.offset.zero_()
        self.attained.fill_(0.5)

    def check_state(self, state: Mapping[str, th.Tensor]) -> None:
        most = self.settings.multiplier_max
        ranges = {"multiplier": Interval(0.0, most), "delta": Interval(0.0, 1.0, "neither")}
        for name, interval in ranges.items():
            value = float(state.get(name, getattr(self, name)))
            if not interval.holds(value):
                raise ConfigError(f"`{name}` must be {interval.words}, got {value:g}")

    @property
    def metrics(self) -> tuple[str, ...]:  # type: ignore[override]  # by the labels
        names = ["preference_loss", "log_ratio_preferred", "log_ratio_rejected"]
        names += ["anchor_loss", "unlabelled_loss"]
        if self.has_safety:
            names += ["p_right", "p_right_safe", "p_right_unsafe", "offset", "multiplier", "delta"]
        return tuple(names)

    def attach(self, labels: SegmentLabels) -> tuple[SegmentLabels, PairSampler]:
        """
        Half of the pairs are drawn uniformly among those with a safety label, or among all labelled
        ones where no label is about safety; half among the comparisons that the preference loss
        uses, or those of them with a winner that may be safe (``"balanced"``). Where data are not
        labelled, some of the first half are pairs without a label.

        :param labels: the training labels
        :return: the same, with what the loss uses of them, and what draws pairs
        """
        self.has_safety = bool((~labels.p_safe.isnan()).any())
        self.has_comparisons = bool((~labels.preferences.isnan()).any())
        labelled = labels.has_label
        if not bool(labelled.any()):
            raise ConfigError("`feedback` must hold a label to train on, got none")
        self._warn_of_missing_labels(labels)
        usable = ~labels.preferences.isnan()
        if self.settings.preference_filter == "winner-safe":
            usable &= _winner_may_be_safe(labels)
            self._warn_if_none_is_usable(labels, usable)
        drawn = usable
        if self.settings.preference_filter == "balanced":
            drawn = usable & _winner_may_be_safe(labels)
        # E[p] is of what has a safety label: no minibatch may lack one
        first = labels.has_safety_label if self.has_safety else labelled
        n_unlabelled = round(_MOST_UNLABELLED * self.n_pairs * labels.unlabelled_share)
        self.unlabelled_share.fill_(labels.unlabelled_share)
        drawn_rows = (drawn if bool(drawn.any()) else usable).nonzero().flatten()
        n_drawn = self.n_pairs // 2 if len(drawn_rows) else 0
        groups = [
            (first.nonzero().flatten(), self.n_pairs - n_drawn - n_unlabelled),
            (drawn_rows, n_drawn),
            ((~labelled).nonzero().flatten(), n_unlabelled),
        ]
        sampler = PairSampler([group for group in groups if group[1]])
        return replace(labels, usable=usable, unlabelled=~labelled), sampler

    def _warn_of_missing_labels(self, labels: SegmentLabels) -> None:
        if not self.has_comparisons:
            warnings.warn("the labels hold no comparisons: only safety is learnt", stacklevel=2)
        if not self.has_safety:
            warnings.warn(
                "the labels hold no safety labels: preferences are learnt without a constraint",
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
                "safety is learnt. preference_filter='all' uses them anyway.",
                stacklevel=2,
            )

    def loss(self, attains: bool) -> PairLoss:
        """
        :param attains: whether it looks for the level that can be attained
        :return: the loss of a minibatch, a pure function
        """
        return partial(presa_loss, self.settings, self.has_comparisons, self.has_safety, attains)

    def settle_delta(self) -> dict[str, float]:
        """
        Called when the constraint begins to count: delta is lowered to what can be attained.

        :return: numbers to log
        """
        wanted, attained = self.settings.delta, float(self.attained)
        # The reference classifies at chance, 0.5: all its log-ratios are 0
        reachable = 0.5 + self.settings.attain_margin * (attained - 0.5)
        if wanted != "auto" and reachable < wanted:
            warnings.warn(
                f"`delta` should be at most {reachable:.3f}, got {wanted:g}: the mean probability "
                f"of a right safety classification rose to {attained:.3f} at most. Training goes "
                f"on with delta = {reachable:.3f}, {self.settings.attain_margin:g} of the way "
                "there from chance.",
                stacklevel=2,
            )
        self.delta.fill_(min(_HIGHEST_DELTA if wanted == "auto" else wanted, reachable))
        self.offset.zero_()  # as the log-ratios are, back at the reference
        return {"train/attained": attained}

    def signature(self) -> Hashable:
        # These act between steps only, on the state
        settings = replace(
            self.settings,
            delta="auto",
            multiplier_init=0.0,
            attain_margin=1.0,
            least_clone_error=0.0,
        )
        return settings, self.has_safety, self.has_comparisons

    def preference_utility(self, batch: PairBatch) -> th.Tensor:
        return self.settings.alpha * self._log_ratio(batch, self.settings.gamma)

    def safety_utility(self, batch: PairBatch) -> th.Tensor:
        r = self._log_ratio(batch, self.settings.safety_gamma)
        return self.settings.beta * r - self.offset

    def _log_ratio(self, batch: PairBatch, gamma: float) -> th.Tensor:
        settings = self.settings
        return clipped_segment_log_ratio(
            batch, gamma, settings.clip_range, settings.normalize_length
        )


def _winner_may_be_safe(labels: SegmentLabels) -> th.Tensor:
    """Whether no winner of each comparison is labelled unsafe; a tie has two winners."""
    # NaN compares as False: a winner that nobody labelled is not known to be unsafe
    first, second = (labels.p_safe[labels.pairs] < 0.5).unbind(1)
    first_won, second_won = labels.preferences >= 0.5, labels.preferences <= 0.5
    return ~((first & first_won) | (second & second_won))
