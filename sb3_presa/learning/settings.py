"""The settings of PRESA's objective: their names, ranges and defaults, in one record."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, TypeAlias

from sb3_presa.arguments import (
    BoundFromZero,
    CountFromZero,
    NonNegative,
    Positive,
    ShareAboveZero,
    ShareWithin,
    checking_arguments,
    closest,
)
from sb3_presa.errors import ConfigError

#: Which comparisons the preference loss uses.
PreferenceFilter: TypeAlias = Literal["all", "balanced", "winner-safe"]
#: A level in (0, 1), or the highest one that can be attained, with a margin.
Delta: TypeAlias = ShareWithin | Literal["auto"]


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    r"""
    The settings of the loss of :class:`~sb3_presa.PRESA`. The first seven are arguments of its
    constructor, which documents them; the others are its ``objective_kwargs``.

    :param alpha: inverse temperature of the preference loss, per unit of r
    :param beta: inverse temperature of the safety classification, per unit of r
    :param gamma: discount of the log-ratios along a segment, in the preference loss
    :param delta: level that E[p(label is right)] must reach, or ``"auto"``
    :param clip_range: least likelihood of a step against the reference is 1 - ``clip_range``
    :param anchor_coef: weight of the cloning term on safe winners
    :param unlabelled_coef: weight of the cloning term on what no label covers
    :param safety_gamma: discount of the log-ratios in the safety classification. Costs of a
        segment are counted without a discount, so it has none; ``gamma`` in the paper
    :param normalize_length: ``True`` scales r to that of a segment of 100 steps, so that segments
        of different lengths are on one scale; ``False`` is the paper's sum
    :param preference_coef: weight of the preference loss, 1 in the paper, 0 to learn safety only
    :param preference_filter: comparisons that the preference loss uses: ``"all"`` alike, as in the
        paper; ``"balanced"``, all, but half of the pairs are drawn from those whose winner is not
        labelled unsafe, however few they are; or ``"winner-safe"``, only these
    :param anchor_sharpness: the anchor weighs its segments by exp(``anchor_sharpness`` r), so that
        those which the policy itself has come to prefer count most; 0 weighs them alike
    :param n_attain_steps: alignment steps that maximise E[p], beside the cloning terms and without
        preferences, to find the level that can be attained; delta is then lowered towards chance if
        it is above, and training starts from the reference again. 0 keeps the given delta, as the
        paper does
    :param attain_margin: share of the way from chance (0.5) to the attained level that delta is
        held to
    :param least_clone_error: where delta is ``"auto"``, completed labels choose what is cloned, and
        less than nine in ten unseen labels are predicted right, alignment leaves a clone as it is
        whose root mean squared error on it is below this share of half the range of actions. A
        small move of exact actions may leave the data. Where the task ends episodes early, it takes
        .3 of the learning rate, however sure labels are. 0 always aligns in full, as are discrete
        actions
    :param unsafe_weight: share of E[p] that falls to the unsafe segments, however many there are;
        ``None`` is the paper's plain mean over all labelled segments
    :param center_utilities: ``True`` classifies against a running midpoint z0 between the two
        classes, ``False`` against 0, as the paper does
    :param multiplier_init: multiplier at the start, at most ``multiplier_max``
    :param multiplier_learning_rate: step of the ascent on the multiplier
    :param multiplier_max: cap on the multiplier, so that a delta out of reach cannot make it run
        away; infinity for none
    :raises ConfigError: for a setting of a wrong type or out of its range
    """

    alpha: Positive
    beta: Positive
    gamma: ShareAboveZero
    delta: Delta
    clip_range: ShareWithin | None
    anchor_coef: NonNegative
    unlabelled_coef: NonNegative
    safety_gamma: ShareAboveZero = 1.0
    normalize_length: bool = True
    preference_coef: NonNegative = 1.0
    preference_filter: PreferenceFilter = "winner-safe"
    anchor_sharpness: NonNegative = 0.5
    n_attain_steps: CountFromZero = 100
    attain_margin: ShareAboveZero = 0.8
    least_clone_error: NonNegative = 0.1
    unsafe_weight: ShareWithin | None = 2.0 / 3.0
    center_utilities: bool = True
    multiplier_init: NonNegative = 0.5
    multiplier_learning_rate: Positive = 0.05
    multiplier_max: BoundFromZero = 4.0

    def __post_init__(self) -> None:
        if self.multiplier_init > self.multiplier_max:
            raise ConfigError(
                f"`multiplier_init` must be at most `multiplier_max` ({self.multiplier_max:g}), "
                f"got {self.multiplier_init} (objective_kwargs)"
            )

    @classmethod
    def expert(cls) -> list[str]:
        """:return: names of the settings that are entries of ``objective_kwargs``"""
        return [field.name for field in fields(cls) if field.default is not MISSING]

    @classmethod
    def of(cls, model: Any) -> "ObjectiveSettings":
        """
        :param model: an algorithm that has the first seven settings as attributes, and
            ``objective_kwargs``
        :return: its settings, checked
        :raises ConfigError: for a setting that is unknown or out of its range
        """
        expert = cls.expert()
        given = as_settings(model.objective_kwargs)
        for name in given:
            if name not in expert:
                raise ConfigError(
                    f"`objective_kwargs` has no setting '{name}'; {closest(name, expert)}"
                )
        flat = {field.name for field in fields(cls)} - set(expert)
        return cls(**{name: getattr(model, name) for name in flat}, **given)


def as_settings(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """
    :param given: ``objective_kwargs`` as they were passed
    :return: a copy of them
    :raises ConfigError: for anything but a dict or ``None``
    """
    if not isinstance(given, Mapping | None):
        raise ConfigError(f"`objective_kwargs` must be a dict, got {given!r}")
    return dict(given or {})


ObjectiveSettings.__init__ = checking_arguments(ObjectiveSettings.__init__)  # type: ignore[method-assign]
