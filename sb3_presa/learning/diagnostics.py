"""Numbers that tell whether alignment works, taken when a log entry is written."""

import torch as th
from gymnasium import spaces

from sb3_presa.learning.segment_buffer import SegmentBuffer, SegmentLabels
from sb3_presa.policies.policy import OfflinePolicy
from sb3_presa.policies.type_aliases import index_obs

#: transitions on which the policy is compared with the reference
_N_PROBES = 1024
#: pairs on which held-out labels are checked
_N_VALIDATION_PAIRS = 256
#: a ``Box`` action further out than this, in half action ranges, counts as saturated
_SATURATED = 0.99


@th.no_grad()
def policy_diagnostics(policy: OfflinePolicy, buffer: SegmentBuffer) -> dict[str, float]:
    """
    :param policy: the policy
    :param buffer: the data; evenly spaced transitions of it are used
    :return: ``reference_distance``, the root mean square distance between the most likely
        actions of the trained policy and of the reference (for discrete actions the share that
        differs), and for ``Box`` actions ``saturated_actions``, the share at a bound
    """
    n_probes = min(_N_PROBES, buffer.n_transitions)
    rows = th.linspace(0, buffer.n_transitions - 1, n_probes, device=buffer.device).long()
    observations = index_obs(buffer.observations, rows)
    actions = policy.actor.head.mode(policy.actor(observations))
    reference = policy.actor_reference.head.mode(policy.actor_reference(observations))
    if not isinstance(policy.action_space, spaces.Box):
        return {"reference_distance": float((actions != reference).float().mean())}
    return {
        "reference_distance": float((actions - reference).square().sum(-1).mean().sqrt()),
        "saturated_actions": float((actions.abs() > _SATURATED).float().mean()),
    }


def validation_rows(labels: SegmentLabels | None) -> th.Tensor | None:
    """
    :param labels: the labels that are held out
    :return: evenly spaced rows of their pairs, on which the policy is checked; ``None`` for none
    """
    if labels is None or len(labels.pairs) == 0:
        return None
    n_pairs = min(_N_VALIDATION_PAIRS, len(labels.pairs))
    return th.linspace(0, len(labels.pairs) - 1, n_pairs, device=labels.pairs.device).long()


def validation_metrics(
    utility: th.Tensor, preference: th.Tensor, p_safe: th.Tensor
) -> dict[str, float]:
    """
    :param utility: utility of both segments of held-out pairs, (B, 2)
    :param preference: probability that the first is preferred, (B,), NaN if there is none
    :param p_safe: probability that each segment is safe, (B, 2), NaN if not labelled
    :return: ``preference_accuracy`` (share of the pairs that are no tie on which the utilities
        agree with the label) and ``safety_auc`` (probability that a safe segment has a higher
        utility than an unsafe one); what cannot be computed is left out
    """
    metrics = {
        "preference_accuracy": preference_accuracy(utility, preference),
        "safety_auc": safety_auc(utility.flatten(), p_safe.flatten()),
    }
    return {name: value for name, value in metrics.items() if value is not None}


def preference_accuracy(utility: th.Tensor, preference: th.Tensor) -> float | None:
    """
    :param utility: utility of the two segments of each pair, (B, 2)
    :param preference: probability that the first is preferred, (B,), NaN if there is none
    :return: share of the pairs with a preference other than 0.5 that the utilities order as the
        label does (equal utilities count half), ``None`` if there is no such pair
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
