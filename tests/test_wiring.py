"""Every setting of PRESA reaches what it is for: changed alone, a figure changes as worked out.

The reference below is the page on PRESA in plain loops over pairs, segments and steps. It shares
no code with the package.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    LogRecorder,
    alignment_of,
    in_objective,
    learn_quietly,
    one_thread,
    record_log,
    tiny_feedback,
)
from fitted_once import labels_fitted_once  # noqa: F401
from minari import MinariDataset

from sb3_presa import PRESA
from sb3_presa.arguments import arguments_of
from sb3_presa.learning.losses import PairBatch, presa_loss
from sb3_presa.learning.schedules import CosineSchedule
from sb3_presa.learning.settings import ObjectiveSettings

NAN = math.nan
BASE = ObjectiveSettings(
    alpha=0.3,
    beta=0.2,
    gamma=0.9,
    delta=0.7,
    clip_range=0.4,
    anchor_coef=2.0,
    unlabelled_coef=1.5,
    safety_gamma=0.95,
    preference_coef=0.8,
)
STATE = {
    "multiplier": 0.6,
    "delta": 0.7,
    "offset": 0.15,
    "attained": 0.55,
    "unlabelled_share": 0.3,
}
#: Five pairs of segments, up to three steps sampled of each; the last pair stands for data that
#: nobody labelled, and the third is a comparison that the loss leaves out.
P_SAFE = [[1.0, 0.0], [0.3, 1.0], [NAN, 0.0], [1.0, 1.0], [NAN, NAN]]
PREFERENCE = [1.0, 0.2, 0.8, 0.5, NAN]
LENGTHS = [[3, 7], [12, 2], [3, 3], [5, 4], [6, 1]]


def make_batch() -> PairBatch:
    random = np.random.default_rng(3)
    shape = (5, 2, 3)
    lengths = np.asarray(LENGTHS)
    positions = np.sort(random.integers(0, lengths[..., None], shape))
    sampled = np.minimum(lengths[..., None], 3) > np.arange(3)
    return PairBatch(
        log_ratio=th.tensor(random.normal(0.0, 0.6, shape), dtype=th.float32),
        log_prob=th.tensor(random.normal(-1.0, 0.5, shape), dtype=th.float32),
        positions=th.tensor(positions),
        weights=th.tensor(sampled * np.maximum(1.0, lengths[..., None] / 3), dtype=th.float32),
        lengths=th.tensor(lengths),
        p_safe=th.tensor(P_SAFE),
        preference=th.tensor(PREFERENCE),
        usable=th.tensor([True, True, False, True, False]),
        unlabelled=th.tensor([False, False, False, False, True]),
        segment_weights=None,
    )


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def mean(values: list[float], weights: list[float]) -> float:
    total = sum(weights)
    return sum(v * w for v, w in zip(values, weights, strict=True)) / total if total else 0.0


def ratio(
    settings: ObjectiveSettings, batch: PairBatch, pair: int, side: int, gamma: float
) -> float:
    """r of one segment."""
    total = 0.0
    for k in range(batch.weights.shape[-1]):
        x = batch.log_ratio[pair, side, k].item()
        if settings.clip_range is not None:
            x = max(x, math.log(1.0 - settings.clip_range))
        discount = gamma ** batch.positions[pair, side, k].item()
        total += batch.weights[pair, side, k].item() * discount * x
    if settings.normalize_length:
        total *= 100.0 / sum(gamma**t for t in range(LENGTHS[pair][side]))
    return total


def without_safety(
    settings: ObjectiveSettings,
    batch: PairBatch,
    unlabelled: float,
    has_comparisons: bool,
    has_safety: bool,
) -> dict[str, float]:
    """The preference loss and the cloning terms."""
    pairs = range(len(batch.lengths))
    # Preferences
    ratios = {(p, s): ratio(settings, batch, p, s, settings.gamma) for p in pairs for s in (0, 1)}
    losses, preferred, rejected, used = [], [], [], []
    for p in pairs:
        if not batch.usable[p]:
            continue
        u1, u2 = settings.alpha * ratios[p, 0], settings.alpha * ratios[p, 1]
        q = PREFERENCE[p]
        losses.append(-q * math.log(sigmoid(u1 - u2)) - (1 - q) * math.log(sigmoid(u2 - u1)))
        first = q > 0.5
        preferred.append(ratios[p, 0] if first else ratios[p, 1])
        rejected.append(ratios[p, 1] if first else ratios[p, 0])
        used.append(1.0)
    preference = mean(losses, used)
    # The anchor: safe winners, those most that the policy has come to prefer
    logits, cloned = [], []
    for p in pairs:
        for s in (0, 1):
            q = PREFERENCE[p] if s == 0 else 1.0 - PREFERENCE[p]
            won = (0.0 if math.isnan(q) else q) if has_comparisons else 1.0
            safe = (0.0 if math.isnan(P_SAFE[p][s]) else P_SAFE[p][s]) if has_safety else 1.0
            steps = batch.weights[p, s] * batch.log_prob[p, s]
            cloned.append(-steps.sum().item() / LENGTHS[p][s])
            pull = settings.anchor_sharpness * ratios[p, s]
            logits.append(math.log(won * safe) + pull if won * safe > 0 else -math.inf)
    highest = max(logits)
    weights = [math.exp(x - highest) for x in logits]
    anchor = mean(cloned, weights)
    # What no label covers
    if settings.unlabelled_coef > 0:
        free = [p for p in pairs if batch.unlabelled[p]]
        unlabelled *= -(
            (batch.weights[free] * batch.log_prob[free]).sum() / batch.weights[free].sum()
        ).item()
    return {
        "preference_loss": preference,
        "log_ratio_preferred": mean(preferred, used),
        "log_ratio_rejected": mean(rejected, used),
        "anchor_loss": anchor,
        "unlabelled_loss": unlabelled,
    }


def by_hand(
    settings: ObjectiveSettings,
    batch: PairBatch,
    state: Mapping[str, float],
    *,
    has_comparisons: bool = True,
    has_safety: bool = True,
    attains: bool = False,
) -> dict[str, float]:
    """The loss, what is logged beside it, and the next state (``next_...``), by loops."""
    share = state["unlabelled_share"]
    found = without_safety(settings, batch, share, has_comparisons, has_safety)
    preference = found["preference_loss"]
    regularised = settings.anchor_coef * found["anchor_loss"]
    regularised += settings.unlabelled_coef * found["unlabelled_loss"]
    if not has_safety:
        return {**found, "loss": settings.preference_coef * preference + regularised}
    pairs = range(len(batch.lengths))
    labelled = [(p, s) for p in pairs for s in (0, 1) if not math.isnan(P_SAFE[p][s])]
    u = {at: settings.beta * ratio(settings, batch, *at, settings.safety_gamma) for at in labelled}
    safe_w, unsafe_w = [P_SAFE[p][s] for p, s in labelled], [1 - P_SAFE[p][s] for p, s in labelled]
    offset = state["offset"]
    if settings.center_utilities:
        middle = 0.5 * (mean([*u.values()], safe_w) + mean([*u.values()], unsafe_w))
        offset += 0.05 * (middle - offset)
    right = [
        P_SAFE[p][s] * sigmoid(u[p, s] - offset) + (1 - P_SAFE[p][s]) * sigmoid(offset - u[p, s])
        for p, s in labelled
    ]
    p_right = mean(right, [1.0] * len(right))
    if settings.unsafe_weight is not None:
        weight = settings.unsafe_weight
        p_right = (1 - weight) * mean(right, safe_w) + weight * mean(right, unsafe_w)
    nu, delta = state["multiplier"], state["delta"]
    following = {"next_offset": offset, "next_multiplier": nu, "next_attained": state["attained"]}
    if attains:
        loss = -p_right + regularised
        following["next_attained"] += 0.05 * (p_right - state["attained"])
    else:
        loss = (settings.preference_coef * preference + nu * (delta - p_right)) / (1 + nu)
        loss += regularised
        moved = nu + settings.multiplier_learning_rate * (delta - p_right)
        following["next_multiplier"] = min(max(moved, 0.0), settings.multiplier_max)
    return {
        **found,
        **following,
        "loss": loss,
        "p_right": p_right,
        "p_right_safe": mean(right, safe_w),
        "p_right_unsafe": mean(right, unsafe_w),
        "offset": offset,
        "multiplier": following["next_multiplier"],
        "delta": delta,
    }


def in_package(
    settings: ObjectiveSettings,
    batch: PairBatch,
    state: Mapping[str, float],
    *,
    has_comparisons: bool = True,
    has_safety: bool = True,
    attains: bool = False,
) -> dict[str, float]:
    before = {name: th.tensor(value) for name, value in state.items()}
    loss, metrics, after = presa_loss(settings, has_comparisons, has_safety, attains, batch, before)
    assert {name: value.item() for name, value in before.items()} == pytest.approx(state)
    found = {name: value.item() for name, value in metrics.items()} | {"loss": loss.item()}
    if has_safety:
        found |= {
            f"next_{name}": after[name].item() for name in ("offset", "multiplier", "attained")
        }
    return found


#: Each setting of the loss, another value, and what changes by it.
CHANGES: list[tuple[str, Any, set[str]]] = [
    ("alpha", 0.6, {"loss", "preference_loss"}),
    ("beta", 0.5, {"loss", "p_right", "offset", "next_multiplier"}),
    ("gamma", 0.5, {"loss", "preference_loss", "log_ratio_preferred", "anchor_loss"}),
    ("safety_gamma", 0.5, {"loss", "p_right", "offset"}),
    ("clip_range", None, {"loss", "preference_loss", "p_right"}),
    ("clip_range", 0.2, {"loss", "preference_loss", "p_right"}),
    ("normalize_length", False, {"loss", "preference_loss", "p_right"}),
    ("preference_coef", 0.0, {"loss"}),
    ("anchor_coef", 0.0, {"loss"}),
    ("anchor_sharpness", 0.1, {"loss", "anchor_loss"}),
    ("unlabelled_coef", 0.0, {"loss", "unlabelled_loss"}),
    ("unlabelled_coef", 4.0, {"loss"}),
    ("unsafe_weight", None, {"loss", "p_right"}),
    ("unsafe_weight", 0.9, {"loss", "p_right"}),
    ("center_utilities", False, {"loss", "p_right", "offset", "next_offset"}),
    ("multiplier_learning_rate", 2.0, {"next_multiplier"}),
    ("multiplier_max", 0.5, {"next_multiplier"}),
]
IDS = [f"{name}={value}" for name, value, _ in CHANGES]
#: Settings that act between steps, or on what is drawn; their tests are below.
ELSEWHERE = {
    "delta",
    "preference_filter",
    "n_attain_steps",
    "attain_margin",
    "least_clone_error",
    "multiplier_init",
}


@pytest.mark.parametrize("attains", [False, True], ids=["constrain", "attain"])
@pytest.mark.parametrize("has_comparisons", [True, False], ids=["compared", "not-compared"])
@pytest.mark.parametrize("change", [None, *CHANGES], ids=["none", *IDS])
def test_the_loss_is_what_is_worked_out_by_hand(
    change: tuple[str, Any, set[str]] | None, has_comparisons: bool, attains: bool
) -> None:
    settings = BASE if change is None else replace(BASE, **{change[0]: change[1]})
    flags = {"has_comparisons": has_comparisons, "attains": attains}
    batch = make_batch()
    found = in_package(settings, batch, STATE, **flags)
    assert found == pytest.approx(by_hand(settings, batch, STATE, **flags), rel=2e-5, abs=1e-6)


@pytest.mark.parametrize(("name", "value", "changed"), CHANGES, ids=IDS)
def test_a_setting_changed_alone_changes_these_figures(
    name: str, value: Any, changed: set[str]
) -> None:
    batch = make_batch()
    before = by_hand(BASE, batch, STATE)
    after = in_package(replace(BASE, **{name: value}), batch, STATE)
    for figure in changed:
        assert after[figure] != pytest.approx(before[figure], rel=5e-5), figure


@pytest.mark.parametrize(
    ("name", "value"), [("multiplier", 1.4), ("delta", 0.9), ("offset", -0.3)], ids=str
)
def test_the_state_enters_the_loss(name: str, value: float) -> None:
    batch, state = make_batch(), {**STATE, name: value}
    found = in_package(BASE, batch, state)
    assert found == pytest.approx(by_hand(BASE, batch, state), rel=2e-5, abs=1e-6)
    assert found["loss"] != pytest.approx(by_hand(BASE, batch, STATE)["loss"], rel=1e-3)


def test_without_safety_labels_it_is_the_preference_loss_and_the_cloning_terms() -> None:
    batch = make_batch()
    found = in_package(BASE, batch, STATE, has_safety=False)
    assert found == pytest.approx(by_hand(BASE, batch, STATE, has_safety=False), rel=2e-5)


def test_every_setting_of_the_objective_has_a_row() -> None:
    names = {field.name for field in fields(ObjectiveSettings)}
    assert names == {name for name, _, _ in CHANGES} | ELSEWHERE


def test_what_is_classified_in_validation_is_what_the_loss_classifies(
    box_dataset: MinariDataset,
) -> None:
    """Preferences on the preference utility, safety labels on that of the safety classification."""
    model = make(box_dataset, gamma=0.5, safety_gamma=1.0, alpha=0.3, beta=0.2)
    objective, batch = model.objective, make_batch()
    objective.offset.fill_(0.4)
    settings = ObjectiveSettings.of(model)
    ratios = [by_hand_ratio(settings, batch, gamma) for gamma in (0.5, 1.0)]
    assert objective.preference_utility(batch).numpy() == pytest.approx(0.3 * ratios[0], rel=1e-4)
    expected = 0.2 * ratios[1] - 0.4
    assert objective.safety_utility(batch).numpy() == pytest.approx(expected, rel=1e-4)


def by_hand_ratio(settings: ObjectiveSettings, batch: PairBatch, gamma: float) -> Any:
    r = np.zeros((5, 2))
    assert settings.clip_range is not None
    low = math.log(1 - settings.clip_range)
    for pair, side, k in np.ndindex(5, 2, 3):
        at = pair, side, k
        x = max(batch.log_ratio[at].item(), low)
        r[pair, side] += batch.weights[at].item() * gamma ** batch.positions[at].item() * x
    return r * [[100 / sum(gamma**t for t in range(n)) for n in row] for row in LENGTHS]


# --- between steps --------------------------------------------------------------------------

N_CLONING, N_ATTAIN, N_STEPS = 6, 4, 16


def make(dataset: MinariDataset, **settings: Any) -> Any:
    usual: dict[str, Any] = {
        "n_cloning_steps": N_CLONING,
        "n_attain_steps": N_ATTAIN,
        "cloning_batch_size": 16,
        "n_pairs": 4,
        "n_segment_steps": 5,
        "average_decay": 0.5,
        "policy_kwargs": {"net_arch": [8]},
        "device": "cpu",
        "seed": 0,
    }
    feedback = tiny_feedback(dataset)
    return PRESA.load_offline(dataset, feedback, **in_objective(usual | settings))


def logged(dataset: MinariDataset, **settings: Any) -> LogRecorder:
    model = make(dataset, **settings)
    recorder = record_log(model)
    learn_quietly(model, N_STEPS, log_interval=1)
    return recorder


def test_phases_have_their_names_and_steps(box_dataset: MinariDataset) -> None:
    def spans(**settings: Any) -> list[tuple[str, int, int]]:
        model = make(box_dataset, **settings)
        return [(phase.name, phase.start, phase.stop) for phase in model.phases(N_STEPS)]

    cloning, aligning = (
        [("clone", 0, 3), ("clone", 3, 6)],
        [("attain", 6, 10), ("constrain", 10, 16)],
    )
    assert spans() == [*cloning, *aligning]
    assert spans(n_cloning_steps=2)[:3] == [("clone", 0, 1), ("clone", 1, 2), ("attain", 2, 6)]
    assert spans(n_attain_steps=0) == [*cloning, ("constrain", 6, 16)]
    assert spans(pretraining_share=0.8)[:2] == [("clone", 0, 5), ("clone", 5, 6)]
    assert spans(pretraining_share=0.0) == [("clone", 0, 6), *aligning]


def test_delta_is_lowered_by_the_margin(box_dataset: MinariDataset) -> None:
    for delta, margin, wanted in (("auto", 0.8, 0.95), (0.9, 0.5, 0.9), (0.501, 1.0, 0.501)):
        log = logged(box_dataset, delta=delta, attain_margin=margin)
        reachable = 0.5 + margin * (log.last("train/attained") - 0.5)
        assert log.last("train/delta") == pytest.approx(min(wanted, reachable), abs=1e-6)


def test_the_multiplier_starts_where_it_is_told(box_dataset: MinariDataset) -> None:
    for start in (0.5, 1.25):
        log = logged(box_dataset, multiplier_init=start, multiplier_learning_rate=1e-9)
        assert log.series("train/multiplier") == pytest.approx([start] * 10, abs=1e-6)


def test_each_phase_starts_from_the_reference_with_a_new_optimizer(
    box_dataset: MinariDataset,
) -> None:
    model = make(box_dataset)
    adam_steps: list[int] = []

    def read(_locals: dict[str, Any], _globals: dict[str, Any]) -> bool:
        state = next(iter(model.policy.optimizer.state.values()))
        adam_steps.append(int(state["step"]))
        return True

    recorder = record_log(model)
    learn_quietly(model, N_STEPS, callback=read, log_interval=1)
    assert adam_steps == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6]
    ratios = recorder.series("train/log_ratio_preferred")
    assert ratios[0] == pytest.approx(0.0, abs=1e-5) == ratios[N_ATTAIN]
    assert abs(ratios[1]) > 1e-4 < abs(ratios[N_ATTAIN + 1])


def test_learning_rates_are_those_of_their_phase(box_dataset: MinariDataset) -> None:
    settings = {"learning_rate": CosineSchedule(1e-2, 1e-4), "cloning_learning_rate": 5e-3}
    found = logged(box_dataset, **settings).series("train/learning_rate")

    def cosine(first: float, last: float, done: float) -> float:
        return last + (first - last) * 0.5 * (1 + math.cos(math.pi * done))

    cloning = [cosine(5e-3, 5e-5, step / N_CLONING) for step in range(N_CLONING)]
    n = N_STEPS - N_CLONING
    aligned = [cosine(1e-2, 1e-4, step / n) for step in range(n)]
    assert found == pytest.approx(cloning + aligned)


def test_a_schedule_is_asked_of_no_progress_beyond_the_end(box_dataset: MinariDataset) -> None:
    """A run that ends within the attain phase, which is planned to its own end."""
    asked: list[float] = []

    def linear(progress: float) -> float:
        asked.append(progress)
        return 1e-3 * progress

    with pytest.warns(UserWarning, match="attain"):
        make(box_dataset, learning_rate=linear).learn(N_CLONING + N_ATTAIN // 2)
    assert (min(asked), max(asked)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [({}, (4, 2, 5)), ({"n_pairs": 7}, (7, 2, 5)), ({"n_segment_steps": 3}, (4, 2, 3))],
)
def test_minibatches_of_pairs_have_their_sizes(
    settings: dict[str, Any], shape: tuple[int, ...], box_dataset: MinariDataset
) -> None:
    phase = alignment_of(make(box_dataset, **settings))
    assert tuple(phase.sample(th.Generator().manual_seed(0)).steps.rows.shape) == shape


def test_minibatches_of_cloning_have_theirs(box_dataset: MinariDataset) -> None:
    for size in (16, 9):
        for clone in make(box_dataset, cloning_batch_size=size).phases()[:2]:
            assert len(clone.sample(th.Generator().manual_seed(0))) == size


def test_the_average_of_the_weights_forgets_as_it_is_told(box_dataset: MinariDataset) -> None:
    """With 0 the last weights act; with .5 half of the way to them is gone at each step."""
    last = make(box_dataset, average_decay=0.0)
    learn_quietly(last, 3)
    for a, b in zip(
        last.policy.actor.parameters(), last.policy.actor_average.parameters(), strict=True
    ):
        assert th.equal(a, b)
    model = make(box_dataset, average_decay=0.5)
    averages: list[th.Tensor] = []
    trained: list[th.Tensor] = []

    def read(_locals: dict[str, Any], _globals: dict[str, Any]) -> bool:
        averages.append(model.policy.actor_average.head.mean.bias.clone())
        trained.append(model.policy.actor.head.mean.bias.detach().clone())
        return True

    learn_quietly(model, 6, callback=read)
    for step in range(1, 6):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * averages[step - 1] + (1 - decay) * trained[step]
        assert th.allclose(averages[step], expected, atol=1e-7)


def test_every_argument_of_the_constructor_is_tested_somewhere() -> None:
    """A new argument must join this list, which says where its test is."""
    here = {
        *("learning_rate", "n_cloning_steps", "cloning_learning_rate", "cloning_batch_size"),
        *("pretraining_share", "n_pairs", "n_segment_steps", "average_decay", "objective_kwargs"),
    }
    elsewhere = {
        "unsafe_cloning_weight": "test_acceptable.py",
        "clone_winners": "test_acceptable.py",
        "max_grad_norm": "test_presa.py",
        "validation_fraction": "test_presa.py",
        **dict.fromkeys(("completion", "safety_level"), "test_completed.py"),
        "adjustable": "test_adjustable.py",
        "precision": "test_precision.py",
        "compile": "test_compilation.py",
        "policy_kwargs": "test_policies.py",
        **dict.fromkeys(("policy", "env", "tensorboard_log", "verbose"), "test_contract.py"),
        **dict.fromkeys(("device", "seed"), "test_contract.py"),
    }
    flat = {field.name for field in fields(ObjectiveSettings) if field.default is MISSING}
    names = {name for name in arguments_of(PRESA) if not name.startswith("_")}
    assert names == here | set(elsewhere) | flat


def test_the_preference_filter_decides_what_is_drawn_and_used(box_dataset: MinariDataset) -> None:
    used = {}
    for name in ("all", "balanced", "winner-safe"):
        model = make(box_dataset, preference_filter=name)
        labels, phase = model.source.training, alignment_of(model)
        used[name] = int(labels.usable.sum()), [len(rows) for rows, _ in phase.pairs.groups]
        assert phase.pairs.n_pairs == 4
        assert [n for _, n in phase.pairs.groups] == [2, 2]
    every, few = used["all"][0], used["winner-safe"][0]
    assert used["balanced"][0] == every > few
    assert used["all"][1][1] == every and used["balanced"][1][1] == used["winner-safe"][1][1] == few


def test_held_out_labels_are_each_judged_by_their_own_utility(
    box_dataset: MinariDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Preferences by one that is always right about them, safety by one that always is about it."""
    model = make(box_dataset, validation_fraction=0.4)
    learn_quietly(model, N_STEPS, log_interval=None)
    phase = alignment_of(model)

    def of_preferences(batch: PairBatch) -> th.Tensor:
        return th.stack([batch.preference, 1 - batch.preference], -1)

    def of_safety(batch: PairBatch) -> th.Tensor:
        return batch.p_safe

    monkeypatch.setattr(model.objective, "preference_utility", of_preferences)
    monkeypatch.setattr(model.objective, "safety_utility", of_safety)
    report = phase.report()
    assert report["validation/preference_accuracy"] == report["validation/safety_auc"] == 1.0
    monkeypatch.setattr(model.objective, "preference_utility", of_safety)
    assert phase.report()["validation/preference_accuracy"] < 1.0
