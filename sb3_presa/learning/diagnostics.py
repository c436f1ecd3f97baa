"""Numbers that tell whether alignment works, taken when a log entry is written."""

import torch as th
from gymnasium import spaces

from sb3_presa.learning.source import BatchSource, SegmentLabels
from sb3_presa.policies.policy import OfflinePolicy
from sb3_presa.policies.type_aliases import TensorObs

#: transitions on which the policy is compared with the reference
_N_PROBES = 1024
#: pairs on which held-out labels are checked
_N_VALIDATION_PAIRS = 256
#: a ``Box`` action further out than this, in half action ranges, counts as saturated
_SATURATED = 0.99
#: share of logged actions at the bounds from which on being there always may well be learnt
_USUAL = 0.5


@th.no_grad()
def policy_diagnostics(policy: OfflinePolicy, source: BatchSource) -> dict[str, float]:
    """
    :param policy: the policy
    :param source: the data; evenly spaced transitions of it are used
    :return: ``train/reference_distance``, the root mean square distance between the most likely
        actions of the trained policy and of the reference (for discrete actions the share that
        differs), and for ``Box`` actions ``train/saturated_actions``, the share at a bound
    """
    observations = source.observations_at(_probes(source))
    actions = policy.actor.head.mode(policy.actor(observations))
    reference = policy.actor_reference.head.mode(policy.actor_reference(observations))
    if not isinstance(policy.action_space, spaces.Box):
        return {"train/reference_distance": float((actions != reference).float().mean())}
    return {
        "train/reference_distance": float((actions - reference).square().sum(-1).mean().sqrt()),
        "train/saturated_actions": float((actions.abs() > _SATURATED).float().mean()),
    }


def _probes(source: BatchSource) -> th.Tensor:
    n_probes = min(_N_PROBES, source.n_transitions)
    return th.linspace(0, source.n_transitions - 1, n_probes, device=source.device).long()


@th.no_grad()
def describe_saturation(policy: OfflinePolicy, source: BatchSource) -> str:
    """
    Finite weights that a learning rate destroyed: dead units, which ignore the observation, and
    actions at bounds, where the gradient is 0.

    :param policy: the policy that acts
    :param source: the data; evenly spaced transitions of it are used
    :return: the action, and how the data differ; empty for a policy that can still learn
    """
    rows = _probes(source)
    observations, logged = source.observations_at(rows), source.actions[rows]
    if isinstance(policy.action_space, spaces.Box):
        found = policy(observations, deterministic=True)
        at_bound = float((logged.abs() > _SATURATED).all(-1).float().mean())
        if (found.abs() == 1.0).all() and at_bound < _USUAL:
            return (
                f"at its bounds in all of {len(rows):,} logged states (in the data {at_bound:.0%})"
            )
    else:
        actor = policy.actor_average
        found = actor.log_prob(observations, logged[:1].expand(len(rows), -1))
    # One action is all that there is to learn where only one was logged, as of Discrete(1)
    if _varies(observations) and _varies(logged) and not _varies(found):
        return f"the same in all of {len(rows):,} logged states"
    return ""


def _varies(values: TensorObs) -> bool:
    parts = values.values() if isinstance(values, dict) else (values,)
    return any(bool((part != part[:1]).any()) for part in parts)


def policy_diagnostic_names(policy: OfflinePolicy) -> tuple[str, ...]:
    """
    :param policy: the policy
    :return: the names that :func:`policy_diagnostics` returns
    """
    names = ("train/reference_distance", "train/saturated_actions")
    return names if isinstance(policy.action_space, spaces.Box) else names[:1]


def validation_rows(labels: SegmentLabels) -> th.Tensor | None:
    """
    :param labels: the labels that are held out
    :return: evenly spaced rows of their pairs, on which the policy is checked; ``None`` for none
    """
    if len(labels.pairs) == 0:
        return None
    n_pairs = min(_N_VALIDATION_PAIRS, len(labels.pairs))
    return th.linspace(0, len(labels.pairs) - 1, n_pairs, device=labels.pairs.device).long()


def validation_metrics(
    preference_utility: th.Tensor,
    safety_utility: th.Tensor,
    preference: th.Tensor,
    p_safe: th.Tensor,
) -> dict[str, float]:
    """
    :param preference_utility: of both segments of held-out pairs, (B, 2), as the preference loss
        has it
    :param safety_utility: the same as the safety classification has it, (B, 2)
    :param preference: probability that the first is preferred, (B,), NaN if there is none
    :param p_safe: probability that each segment is safe, (B, 2), NaN if not labelled
    :return: ``validation/preference_accuracy`` (share of the pairs that are no tie on which the
        utilities agree with the label) and ``validation/safety_auc`` (probability that a safe
        segment has a higher utility than an unsafe one); what cannot be computed is left out
    """
    metrics = {
        "validation/preference_accuracy": preference_accuracy(preference_utility, preference),
        "validation/safety_auc": safety_auc(safety_utility.flatten(), p_safe.flatten()),
    }
    return {name: value for name, value in metrics.items() if value is not None}


def preference_accuracy(utility: th.Tensor, preference: th.Tensor) -> float | None:
    """
    :param utility: utility of the two segments of each pair, (B, 2)
    :param preference: probability that the first is preferred, (B,), NaN if there is none
    :return: share of the pairs with a preference other than 0.5 that the utilities order as the
        label does (equal utilities count half), ``None`` without such a pair
    """
    decided = ~preference.isnan() & (preference != 0.5)
    if not bool(decided.any()):
        return None
    sign = th.sign(preference[decided] - 0.5)
    margin = sign * (utility[decided, 0] - utility[decided, 1])
    return float((margin > 0).float().mean() + 0.5 * (margin == 0).float().mean())


def safety_auc(utility: th.Tensor, p_safe: th.Tensor) -> float | None:
    """
    :param utility: utility of each segment, (S,)
    :param p_safe: probability that it is safe, (S,), NaN if not labelled
    :return: area under the ROC curve (ties count half), ``None`` if a class is missing
    """
    safe, unsafe = utility[p_safe > 0.5], utility[p_safe < 0.5]
    if len(safe) == 0 or len(unsafe) == 0:
        return None
    difference = safe.unsqueeze(1) - unsafe.unsqueeze(0)
    return float((difference > 0).float().mean() + 0.5 * (difference == 0).float().mean())
