"""PRESA's objective on whatever labels there are, and against the paper's formula."""

import math
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    TINY_PRESA,
    TINY_STEPS,
    alignment_of,
    assert_finite_weights,
    in_objective,
    learn_quietly,
    loss_of,
    one_thread,
    record_log,
    tiny_feedback,
)
from minari import MinariDataset

from sb3_presa import PRESA
from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.table import Feedback

#: What the numbers of these tests are worked out for, whatever the defaults are.
PINNED: dict[str, Any] = {
    "alpha": 0.05,
    "beta": 0.2,
    "anchor_sharpness": 0.2,
    "attain_margin": 0.95,
    "clip_range": None,
    "preference_filter": "winner-safe",
    "multiplier_init": 1.0,
    "multiplier_max": 2.0,
}
#: The paper's plain objective.
PLAIN: dict[str, Any] = {
    "n_attain_steps": 0,
    "anchor_coef": 0.0,
    "unlabelled_coef": 0.0,
    "unsafe_weight": None,
    "center_utilities": False,
    "preference_filter": "all",
    "normalize_length": False,
    "clip_range": None,
    "average_decay": 0.0,
}


def make(dataset: MinariDataset, feedback: Feedback | None, **kwargs: Any) -> Any:
    arguments: dict[str, Any] = {
        "device": "cpu",
        "seed": 0,
        "policy_kwargs": {"net_arch": [8]},
    }
    arguments |= in_objective(TINY_PRESA | PINNED | kwargs)
    return PRESA.load_offline(dataset, feedback, **arguments)


# --- patchy feedback ------------------------------------------------------------------------

NAN = math.nan
#: segments of lengths 1 to 12, of episodes that have 20 steps
SEGMENTS = list(zip([0, 1, 2, 4, 5, 6, 7, 9], [0] * 8, [1, 12, 5, 9, 7, 12, 3, 8], strict=True))
PAIRS = [(0, 1), (2, 3), (4, 5), (6, 7)]


def patchy(**labels: Any) -> Callable[[MinariDataset], Feedback]:
    return lambda dataset: Feedback.create(dataset, SEGMENTS, **labels)


HALF_SAFE = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]
PATCHY: dict[str, tuple[Callable[[MinariDataset], Feedback], list[str]]] = {
    "everything": (
        patchy(p_safe=HALF_SAFE, comparisons=PAIRS, preferences=[1, 0, 0.5, 0.3]),
        [],
    ),
    "only-safety": (patchy(p_safe=HALF_SAFE), ["hold no comparisons: only safety"]),
    "one-safety-label": (
        patchy(p_safe=[*[NAN] * 7, 1.0]),
        ["hold no comparisons: only safety", "every safety label says safe"],
    ),
    "only-comparisons": (patchy(comparisons=PAIRS), ["hold no safety labels"]),
    "comparisons-and-other-segments-safety": (
        patchy(p_safe=[*[NAN] * 4, *HALF_SAFE[2:6]], comparisons=PAIRS[:2]),
        [],
    ),
    "an-odd-number-alone": (
        patchy(p_safe=[NAN, NAN, NAN, *HALF_SAFE[3:]], comparisons=PAIRS[:1]),
        [],
    ),
    "all-safe": (patchy(p_safe=[1.0] * 8, comparisons=PAIRS), ["every safety label says safe"]),
    "all-unsafe": (
        patchy(p_safe=[0.0] * 8, comparisons=PAIRS),
        ["every safety label says unsafe", "none of the 4 comparisons has a winner"],
    ),
    "all-unsure": (patchy(p_safe=[0.5] * 8, comparisons=PAIRS), ["every safety label says unsure"]),
    "unsafe-winners": (
        patchy(p_safe=[0, 1] * 4, comparisons=PAIRS),
        ["none of the 4 comparisons has a winner that may be safe"],
    ),
    "one-comparison": (patchy(comparisons=PAIRS[:1]), ["hold no safety labels"]),
}


#: What is logged of some of the labels only, NaN where a minibatch has none of them.
OF_SOME = {
    *("p_right_safe", "p_right_unsafe"),
    *("preference_loss", "log_ratio_preferred", "log_ratio_rejected"),
}


@pytest.mark.parametrize("settings", [{}, PLAIN], ids=["default", "plain"])
@pytest.mark.parametrize("name", PATCHY)
def test_whatever_labels_there_are_train(
    name: str, settings: dict[str, Any], box_dataset: MinariDataset
) -> None:
    """With finite weights that move, and with a warning exactly where something is missing."""
    feedback, expected = PATCHY[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = make(box_dataset, feedback(box_dataset), **settings)
    messages = [str(w.message) for w in caught if w.category is UserWarning]
    if settings:  # the filter that may leave none is not the plain objective's
        expected = [text for text in expected if not text.startswith("none of")]
    assert len(messages) == len(expected), messages
    for message, text in zip(messages, expected, strict=True):
        assert text in message
    recorder = record_log(model)
    learn_quietly(model, TINY_STEPS, log_interval=1)
    assert_finite_weights(model)
    for entry in recorder.entries:
        numbers = {k.removeprefix("train/"): v for k, v in entry.items() if k.startswith("train/")}
        assert {k for k, v in numbers.items() if not np.isfinite(v)} <= OF_SOME, entry
    trained, reference = model.policy.actor.head.mean, model.policy.actor_reference.head.mean
    assert not th.equal(trained.weight, reference.weight)


def test_few_safety_labels_still_constrain(box_dataset: MinariDataset) -> None:
    """A minibatch without one would count as one whose labels are all wrong."""
    dense = tiny_feedback(box_dataset)
    p_safe = np.full_like(dense.p_safe, np.nan)
    p_safe[np.flatnonzero(dense.p_safe == 1.0)[0]] = 1.0
    p_safe[np.flatnonzero(dense.p_safe == 0.0)[0]] = 0.0
    model = make(box_dataset, replace(dense, p_safe=p_safe), n_pairs=2)
    recorder = record_log(model)
    learn_quietly(model, TINY_STEPS, log_interval=1)
    assert min(recorder.series("train/attained")) >= 0.5
    assert min(recorder.series("train/p_right")) > 0.2
    # Each step has a label of one class or of both, and says nothing of a class that it has not
    safe, unsafe = (np.array(recorder.series(f"train/p_right_{x}")) for x in ("safe", "unsafe"))
    assert (np.isfinite(safe) | np.isfinite(unsafe)).all()
    assert np.nanmin([safe, unsafe]) > 0.2


def test_no_label_at_all_is_refused(box_dataset: MinariDataset) -> None:
    for feedback in (None, Feedback.create(box_dataset, SEGMENTS)):
        with pytest.raises(FeedbackError, match="must hold comparisons or safety labels"):
            make(box_dataset, feedback)


# --- which pairs ----------------------------------------------------------------------------


def pair_losses(dataset: MinariDataset, feedback: Feedback, **settings: Any) -> list[float]:
    """The objective on each comparison alone, by a policy that has moved from its reference."""
    settings = {"n_segment_steps": 64, "precision": "float32", "n_attain_steps": 0, **settings}
    model = make(dataset, feedback, **settings)
    move_away(model)
    values = []
    for row in range(len(feedback.comparisons)):
        batch = alignment_of(model).evaluate(th.tensor([row]))
        model.objective.reset()
        values.append(loss_of(model, batch)[0].item())
    return values


def move_away(model: Any) -> None:
    """Ends cloning, and moves every weight of the trained actor a little, the same each time."""
    learn_quietly(model, model.n_cloning_steps + 1)
    generator = th.Generator().manual_seed(0)
    with th.no_grad():
        for parameter in model.policy.actor.parameters():
            parameter += 0.2 * th.randn(parameter.shape, generator=generator)


@pytest.mark.parametrize("settings", [{}, PLAIN], ids=["default", "plain"])
def test_the_order_of_a_pair_does_not_matter(
    settings: dict[str, Any], box_dataset: MinariDataset
) -> None:
    """Neither with hard labels nor with ties, whichever segments are safe."""
    pairs = [(a, b) for a in range(8) for b in range(8) if a < b][::2]
    preferences = np.resize([1.0, 0.5, 0.0, 0.7], len(pairs))
    p_safe = [1.0, 0.0, 1.0, 0.3, 0.0, NAN, 0.0, NAN]
    kept = Feedback.create(box_dataset, SEGMENTS, p_safe, pairs, preferences)
    turned = Feedback.create(
        box_dataset, SEGMENTS, p_safe, [pair[::-1] for pair in pairs], 1 - preferences
    )
    one = pair_losses(box_dataset, kept, **settings)
    assert one == pytest.approx(pair_losses(box_dataset, turned, **settings), rel=1e-5)
    assert len({round(value, 4) for value in one}) > len(pairs) / 2, "nothing was compared"


def test_winner_safe_leaves_out_comparisons_that_an_unsafe_segment_won(
    box_dataset: MinariDataset,
) -> None:
    """Nor are ties used in which either is unsafe; a winner without a label is let through."""
    p_safe = [1.0, 0.0, NAN, 1.0, NAN, NAN, 0.0, 0.0]
    comparisons = [(0, 1), (0, 1), (0, 1), (1, 0), (2, 1), (1, 2), (0, 3), (6, 7)]
    preferences = [1.0, 0.0, 0.5, 0.5, 1.0, 1.0, 0.5, 1.0]
    feedback = Feedback.create(box_dataset, SEGMENTS, p_safe, comparisons, preferences)
    used = make(box_dataset, feedback).source.training.usable[: len(comparisons)]
    assert used.tolist() == [True, False, False, False, True, False, True, False]
    every = make(box_dataset, feedback, preference_filter="all").source.training.usable
    assert every[: len(comparisons)].all()


def test_balanced_draws_half_from_safe_winners_and_uses_all(box_dataset: MinariDataset) -> None:
    """However few they are; where there are none it draws from every comparison."""
    p_safe = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    comparisons = [(0, 1), *[(a, b) for a in range(8) for b in range(3, 8) if a != b and a != 0]]
    preferences = [1.0] + [0.0] * (len(comparisons) - 1)  # all others have an unsafe winner
    few = Feedback.create(box_dataset, SEGMENTS, p_safe, comparisons, preferences)
    none = Feedback.create(box_dataset, SEGMENTS, p_safe, comparisons[1:], preferences[1:])
    for feedback, n_drawn_from in ((few, 1), (none, len(comparisons) - 1)):
        model = make(box_dataset, feedback, preference_filter="balanced", n_pairs=2000)
        labels = model.source.training
        assert labels.usable[: len(feedback.comparisons)].all()
        rows = alignment_of(model).pairs.draw(th.Generator().manual_seed(0))
        counts = th.bincount(rows, minlength=len(labels.pairs))
        expected = 1000 / len(labels.pairs) + 1000 / n_drawn_from
        assert counts[0].item() == pytest.approx(expected, abs=40)
        assert counts[: len(feedback.comparisons)].min() > 0


# --- the paper's formula --------------------------------------------------------------------


def log_densities(model: Any, dataset: MinariDataset, segment: Any) -> Iterator[float]:
    """log pi - log pi_ref of each step of a segment, from the dataset and the networks' means."""
    episode_id, start, length = segment
    episode = next(e for e in dataset.iterate_episodes() if e.id == episode_id)
    for t in range(start, start + length):
        observation = th.as_tensor(episode.observations[t : t + 1])
        action = th.as_tensor(episode.actions[t]).clamp(-1 + 1e-5, 1 - 1e-5)
        densities = [
            th.distributions.Normal(actor.head.mode(actor(observation))[0], 2**-0.5)
            for actor in (model.policy.actor, model.policy.actor_reference)
        ]
        now, reference = (density.log_prob(action).sum().item() for density in densities)
        yield now - reference


@pytest.mark.parametrize("safety_gamma", [0.9, 1.0], ids=["paper", "default"])
def test_the_plain_setting_is_the_papers_objective(
    safety_gamma: float, box_dataset: MinariDataset
) -> None:
    """(L_pref + nu (delta - E[p])) / (1 + nu), worked out step by step on mixed lengths."""
    p_safe = [1.0, 0.0, 1.0, 0.25, NAN, 1.0, 0.0, 0.0]
    comparisons, preferences = [(0, 1), (3, 2), (4, 5)], [1.0, 0.0, 0.5]
    feedback = Feedback.create(box_dataset, SEGMENTS, p_safe, comparisons, preferences)
    alpha, beta, gamma, nu, delta = 0.3, 0.07, 0.9, 1.5, 0.8
    model = make(
        box_dataset,
        feedback,
        **PLAIN,
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        safety_gamma=safety_gamma,
        delta=delta,
        multiplier_init=nu,
        multiplier_learning_rate=0.1,
        n_segment_steps=64,
        precision="float32",
    )
    move_away(model)
    model.objective.reset()
    labels = model.source.training
    batch = alignment_of(model).evaluate(th.arange(len(labels.pairs)))
    with th.no_grad():
        loss, metrics = loss_of(model, batch)

    steps = [list(log_densities(model, box_dataset, segment)) for segment in SEGMENTS]
    r = [sum(gamma**t * x for t, x in enumerate(each)) for each in steps]
    r_safety = [sum(safety_gamma**t * x for t, x in enumerate(each)) for each in steps]

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    l_pref = -np.mean(
        [
            q * math.log(sigmoid(alpha * (r[a] - r[b])))
            + (1 - q) * math.log(sigmoid(alpha * (r[b] - r[a])))
            for (a, b), q in zip(comparisons, preferences, strict=True)
        ]
    )
    right = [
        p * sigmoid(beta * r_safety[segment]) + (1 - p) * sigmoid(-beta * r_safety[segment])
        for segment, p in enumerate(p_safe)
        if not math.isnan(p)
    ]
    expected = float(np.mean(right))
    assert {6, 7} == set(labels.pairs[3:].flatten().tolist()), "those in no comparison"
    assert max(map(abs, r)) > 0.5, "the policy must differ from its reference"
    assert float(metrics["preference_loss"]) == pytest.approx(l_pref, rel=1e-4)
    assert float(metrics["p_right"]) == pytest.approx(expected, rel=1e-4)
    assert float(loss) == pytest.approx((l_pref + nu * (delta - expected)) / (1 + nu), rel=1e-4)
    assert float(model.objective.multiplier) == pytest.approx(nu + 0.1 * (delta - expected))


@pytest.mark.parametrize("settings", [{}, PLAIN], ids=["default", "plain"])
def test_the_first_alignment_step_knows_nothing(
    settings: dict[str, Any], box_dataset: MinariDataset
) -> None:
    model = make(box_dataset, tiny_feedback(box_dataset), precision="float32", **settings)
    recorder = record_log(model)
    learn_quietly(model, model.n_cloning_steps + 1, log_interval=1)
    assert recorder.last("train/preference_loss") == pytest.approx(math.log(2), abs=1e-5)
    for name in ("p_right", "p_right_safe", "p_right_unsafe"):
        assert recorder.last(f"train/{name}") == pytest.approx(0.5, abs=1e-5)


# --- delta and the multiplier ---------------------------------------------------------------


def test_a_delta_out_of_reach_is_lowered_with_a_warning(box_dataset: MinariDataset) -> None:
    """The warning has the level that was attained; the multiplier stays at or below its cap."""
    model = make(
        box_dataset,
        tiny_feedback(box_dataset, flip_safety=0.5),
        delta=0.999,
        multiplier_init=1.9,
        multiplier_learning_rate=5.0,
    )
    recorder = record_log(model)
    with pytest.warns(UserWarning, match=r"`delta` should be at most 0\.\d+, got 0\.999") as caught:
        model.learn(40, log_interval=1)
    attained = recorder.last("train/attained")
    message = str(caught[0].message)
    found = re.search(r"rose to (\d\.\d+) at most.* delta = (\d\.\d+)", message)
    assert found is not None
    assert float(found[1]) == pytest.approx(attained, abs=6e-4)
    lowered = 0.5 + 0.95 * (attained - 0.5)
    assert float(found[2]) == pytest.approx(lowered, abs=6e-4)
    assert recorder.last("train/delta") == pytest.approx(lowered, abs=1e-6)
    assert max(recorder.series("train/multiplier")) <= 2.0


def test_the_default_delta_is_what_can_be_attained(
    box_dataset: MinariDataset, recwarn: pytest.WarningsRecorder
) -> None:
    model = make(box_dataset, tiny_feedback(box_dataset))
    recwarn.clear()
    recorder = record_log(model)
    model.learn(40, log_interval=1)
    assert recorder.last("train/delta") == pytest.approx(
        0.5 + 0.95 * (recorder.last("train/attained") - 0.5), abs=1e-6
    )
    assert not recwarn.list


def test_a_given_delta_out_of_reach_drives_the_multiplier_to_its_cap(
    box_dataset: MinariDataset, recwarn: pytest.WarningsRecorder
) -> None:
    """Labels that contradict each other cannot be met, whatever the policy."""
    segments = [(episode, 0, 8) for episode in (0, 1, 2, 4, 5, 6) for _ in (0, 1)]
    feedback = Feedback.create(box_dataset, segments, [0.0, 1.0] * 6)
    model = make(box_dataset, feedback, delta=0.9, n_attain_steps=0, multiplier_learning_rate=0.5)
    recwarn.clear()
    recorder = record_log(model)
    model.learn(20, log_interval=1)
    assert [w for w in recwarn if "delta" in str(w.message)] == []
    history = recorder.series("train/multiplier")
    assert history[0] < history[1] < max(history) == history[-1] == 2.0
    assert recorder.series("train/delta") == pytest.approx([0.9] * 14)


def test_a_delta_in_reach_stays_and_lets_the_multiplier_go(
    box_dataset: MinariDataset, recwarn: pytest.WarningsRecorder
) -> None:
    model = make(box_dataset, tiny_feedback(box_dataset), delta=0.3, multiplier_learning_rate=0.5)
    recorder = record_log(model)
    model.learn(40, log_interval=1)
    assert [w for w in recwarn if "delta" in str(w.message)] == []
    assert recorder.series("train/delta") == pytest.approx([0.3] * 34)
    assert recorder.series("train/multiplier")[0] == 1.0
    assert recorder.last("train/multiplier") == 0.0


def test_training_under_the_constraint_starts_from_the_reference(
    box_dataset: MinariDataset,
) -> None:
    """Measuring the attainable level leaves the policy, its average and the offset unmoved."""
    model = make(box_dataset, tiny_feedback(box_dataset), center_utilities=True)
    constrained = model.phases()[-1].start
    recorder = record_log(model)
    learn_quietly(model, constrained, log_interval=1)
    moved = max(recorder.series("train/log_ratio_preferred"), key=abs)
    assert abs(moved) > 1e-3
    learn_quietly(model, 1, log_interval=1, reset_num_timesteps=False)
    assert recorder.last("train/log_ratio_preferred") == pytest.approx(0.0, abs=1e-6)
    assert recorder.last("train/p_right") == pytest.approx(0.5, abs=1e-6)


def test_settings_may_be_whole_numbers(box_dataset: MinariDataset) -> None:
    """A multiplier of 1, not 1.0, must still take steps smaller than 1."""
    whole = make(box_dataset, tiny_feedback(box_dataset), multiplier_init=1, n_attain_steps=0)
    learn_quietly(whole, TINY_STEPS)
    assert float(whole.objective.multiplier) % 1.0 != 0.0


def test_nothing_is_gained_by_leaving_the_data(box_dataset: MinariDataset) -> None:
    """A step at less than 1 - clip_range of its reference probability has no gradient."""
    model = make(box_dataset, tiny_feedback(box_dataset), clip_range=0.25, anchor_coef=0.0)
    move_away(model)
    labels = model.source.training
    batch = alignment_of(model).evaluate(th.arange(len(labels.pairs)))
    left = batch.log_ratio < math.log(0.75)
    assert 0.1 < left.float().mean() < 0.9
    log_ratio = batch.log_ratio.detach().requires_grad_()
    loss, _ = loss_of(model, batch._replace(log_ratio=log_ratio))
    (gradient,) = th.autograd.grad(loss, log_ratio)
    moved = batch.weights * (~batch.preference.isnan()).float()[:, None, None] > 0
    assert gradient[left].abs().max() == 0.0
    assert (gradient[~left & moved] != 0.0).float().mean() > 0.9
    further = batch._replace(log_ratio=th.where(left, batch.log_ratio - 1.0, batch.log_ratio))
    for utility in (model.objective.preference_utility, model.objective.safety_utility):
        assert th.equal(utility(further), utility(batch))


def test_the_offset_is_the_middle_between_the_classes(box_dataset: MinariDataset) -> None:
    """It moves a twentieth of the way each time, and stays where a class is missing."""
    feedback = Feedback.create(box_dataset, SEGMENTS, HALF_SAFE, PAIRS)
    model = make(box_dataset, feedback, n_segment_steps=64, precision="float32", n_attain_steps=0)
    move_away(model)
    model.objective.reset()
    batch = alignment_of(model).evaluate(th.arange(4))
    with th.no_grad():
        utility = model.objective.safety_utility(batch).flatten().numpy()
        loss_of(model, batch)
    safe = np.asarray(HALF_SAFE) == 1.0
    middle = (utility[safe].mean() + utility[~safe].mean()) / 2
    assert float(model.objective.offset) == pytest.approx(0.05 * middle, rel=1e-4)
    only_safe = alignment_of(model).evaluate(th.tensor([1]))
    with th.no_grad():
        loss_of(model, only_safe)
    assert float(model.objective.offset) == pytest.approx(0.05 * middle, rel=1e-4)


def test_the_anchor_clones_safe_winners_only(box_dataset: MinariDataset) -> None:
    """Its gradient is that of cloning the one segment that won and is safe."""
    p_safe = [1.0, 0.0, 0.0, 1.0, 1.0, NAN, NAN, 1.0]
    comparisons, preferences = [(0, 1), (2, 3), (6, 5)], [1.0, 1.0, 1.0]
    feedback = Feedback.create(box_dataset, SEGMENTS, p_safe, comparisons, preferences)
    model = make(box_dataset, feedback, n_segment_steps=64, precision="float32", n_attain_steps=0)
    move_away(model)
    batch = alignment_of(model).evaluate(th.arange(len(model.source.training.pairs)))
    _, metrics = loss_of(model, batch)
    rows = th.arange(SEGMENTS[0][2]) + model.source.training.starts[0]
    expected = -model.policy.actor.log_prob(*model.source.gather(rows)).mean()
    assert metrics["anchor_loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_no_utility_makes_the_anchor_vanish(box_dataset: MinariDataset) -> None:
    """However much likelier than its reference the policy makes a segment that is unsafe."""
    feedback = Feedback.create(box_dataset, SEGMENTS[:2], [1.0, 0.0], [(0, 1)], [1.0])
    model = make(box_dataset, feedback, n_segment_steps=64, precision="float32", n_attain_steps=0)
    move_away(model)
    batch = alignment_of(model).evaluate(th.tensor([0]))
    log_ratio = th.tensor([[-1e3], [1e3]]).expand_as(batch.log_ratio)
    _, metrics = loss_of(model, batch._replace(log_ratio=log_ratio))
    expected = -(batch.log_prob * batch.weights)[0, 0].sum() / SEGMENTS[0][2]
    assert metrics["anchor_loss"].item() == pytest.approx(expected.item(), rel=1e-5)
