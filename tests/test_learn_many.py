"""Models trained together: each ends where it would have ended alone, or is refused."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    assert_equal_results,
    learn_quietly,
    one_thread,
    record_log,
    tiny_feedback,
    weights_of,
)
from contract import (
    CASES,
    PRESA_CASE,
    Case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from minari import MinariDataset

from sb3_presa import PRESA, learn_many
from sb3_presa.errors import ConfigError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.many import stacked_actors

#: the algorithms that can be trained together
CASE = {case.name: case for case in CASES}
REFUSED = ("trac", "bcq-lag", "safe-rlhf", "presa-adjustable")
JOINT = [case for case in CASES if case.name not in REFUSED]
#: rows of two of the tiny models' alignment batches, so that two are stacked and one is not
TWO_OF_THREE = 2 * 40
N_STEPS = 40


def quietly(models: Sequence[Any], *args: Any, **kwargs: Any) -> Sequence[Any]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="delta = ")
        return learn_many(models, *args, **kwargs)


def make_three(case: Case, dataset: MinariDataset, **kwargs: Any) -> list[Any]:
    """Models of other seeds and other labels: cost limits, and numbers of pairs."""
    settings = {"precision": "float32", "policy_kwargs": {"net_arch": [8, 8]}}
    labels = [
        tiny_feedback(dataset, cost_limit=limit, seed=seed) for seed, limit in enumerate([2, 4, 6])
    ]
    labels[2] = Feedback.synthetic(dataset, 31, 8, cost_limit=6.0, seed=9)
    return [
        case.make(dataset, feedback, seed=seed, **(settings | kwargs))
        for seed, feedback in enumerate(labels)
    ]


@pytest.mark.parametrize("case", JOINT, ids=lambda case: case.name)
def test_each_ends_where_it_would_end_alone(
    case: Case, box_dataset: MinariDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every algorithm, in every phase, with two networks stacked and one by itself."""
    monkeypatch.setattr(stacked_actors, "_CACHED_ROWS", TWO_OF_THREE)
    together, alone = make_three(case, box_dataset), make_three(case, box_dataset)
    assert quietly(together, N_STEPS) == together
    assert_equal_results(together, [learn_quietly(model, N_STEPS) for model in alone])


def make_mixed(dataset: MinariDataset) -> list[Any]:
    """Of one architecture, and of as many differences as there can be."""
    changes: list[tuple[str, dict[str, Any]]] = [
        ("presa", {"delta": 0.6, "seed": 1}),
        ("cpl", {"learning_rate": 1e-2, "max_grad_norm": 0.05}),
        ("presa", {"delta": 0.9, "multiplier_init": 0.9, "learning_rate": 3e-3}),
        ("safe-first", {"average_decay": 0.9, "cloning_learning_rate": 1e-2}),
        ("presa", {"alpha": 0.7, "n_attain_steps": 9, "validation_fraction": 0.3}),
        ("presa", {"clip_range": 0.25, "seed": 3}),
        ("cpl", {"alpha": 1.0, "preference_bias": 0.5, "seed": 2}),
        ("safety-only", {"policy_kwargs": {"net_arch": [8], "dropout": 0.0}}),
        ("presa", {"max_grad_norm": 0.01, "seed": 5, "anchor_coef": 0.0}),
    ]
    adamw = {"net_arch": [8], "optimizer_class": th.optim.AdamW}
    changes.append(("presa", {"policy_kwargs": adamw}))
    return [CASE[name].make(dataset, precision="float32", **change) for name, change in changes]


def test_algorithms_and_settings_may_be_mixed(box_dataset: MinariDataset) -> None:
    together, alone = make_mixed(box_dataset), make_mixed(box_dataset)
    quietly(together, N_STEPS)
    assert_equal_results(together, [learn_quietly(model, N_STEPS) for model in alone])


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("box", {"policy_kwargs": {"net_arch": [8, 8], "dropout": 0.3}}),
        ("box", {"policy_kwargs": {"net_arch": [8], "activation_fn": th.nn.PReLU}}),
        ("box", {"policy_kwargs": {"net_arch": []}, "precision": "bfloat16"}),
        ("multidiscrete", {}),
        ("dict", {"policy": "MultiInputPolicy"}),
        ("image", {"policy": "CnnPolicy", "policy_kwargs": {}}),
    ],
    ids=["dropout", "not-elementwise", "bfloat16", "multidiscrete", "dict", "images"],
)
def test_with_any_network(kind: Any, settings: dict[str, Any], make_dataset: Any) -> None:
    """Stacked where it can be, with the same dropout masks, and else one after the other."""
    dataset, n_steps = make_dataset(kind), 14
    together = make_three(PRESA_CASE, dataset, **settings)[:2]
    alone = make_three(PRESA_CASE, dataset, **settings)[:2]
    quietly(together, n_steps)
    assert_equal_results(together, [learn_quietly(model, n_steps) for model in alone])


def test_they_go_on_alone_and_together_after_saving(
    box_dataset: MinariDataset, tmp_path: Path
) -> None:
    """7 steps at once, saved and loaded, 9 alone, 8 at once: as 24 alone, in every phase."""
    models, whole = make_three(PRESA_CASE, box_dataset), make_three(PRESA_CASE, box_dataset)
    feedback = [model.feedback for model in models]
    # the learning rate is a function of the run's length, so each part must know its end
    for model in [*models, *whole]:
        model.lr_schedule = lambda _progress: 1e-3
    quietly(models, 7)
    for index, model in enumerate(models):
        model.save(tmp_path / str(index))
    models = [PRESA.load(tmp_path / str(index), device="cpu") for index in range(3)]
    for model, labels in zip(models, feedback, strict=True):
        model.set_dataset(box_dataset, labels)
        model.lr_schedule = lambda _progress: 1e-3
        learn_quietly(model, 9, reset_num_timesteps=False)
    quietly(models, 8, reset_num_timesteps=False)
    assert [model.num_timesteps for model in models] == [24] * 3
    assert_equal_results(models, [learn_quietly(model, 24) for model in whole])


def test_each_logs_what_it_would_log_alone(box_dataset: MinariDataset) -> None:
    """Also where clones become agents and where delta is lowered, between two entries."""
    together, alone = make_mixed(box_dataset)[2:6], make_mixed(box_dataset)[2:6]
    logs = [[record_log(model) for model in models] for models in (together, alone)]
    quietly(together, 20, log_interval=4)
    for model in alone:
        learn_quietly(model, 20, log_interval=4)
    for one, other in zip(*logs, strict=True):
        assert [e["step"] for e in one.entries] == [e["step"] for e in other.entries] != []
        for entry, expected in zip(one.entries, other.entries, strict=True):
            assert entry.keys() == expected.keys()
            for name in entry:
                if not name.startswith("time/"):
                    assert entry[name] == pytest.approx(expected[name], rel=1e-3, abs=1e-5), name


def test_without_a_log_interval_none_logs(box_dataset: MinariDataset) -> None:
    models = make_three(CASE["cpl"], box_dataset)
    logs = [record_log(model) for model in models]
    quietly(models, 8, log_interval=None)
    assert [log.entries for log in logs] == [[], [], []]
    assert_equal_results(
        models, [learn_quietly(model, 8) for model in make_three(CASE["cpl"], box_dataset)]
    )


def test_the_transitions_are_stored_once(box_dataset: MinariDataset) -> None:
    models = quietly(make_three(CASE["cpl"], box_dataset), 2)
    for name in ("observations", "actions"):
        assert len({getattr(model.source, name).data_ptr() for model in models}) == 1


def test_one_bar_counts_the_steps_of_all(
    box_dataset: MinariDataset, capsys: pytest.CaptureFixture[str]
) -> None:
    models = make_three(CASE["bc-all"], box_dataset)
    quietly(models, 7, progress_bar=True)
    output = capsys.readouterr()
    assert "7/7" in output.out + output.err
    assert all(model.get_env() is None for model in models)


def test_nothing_is_nothing() -> None:
    assert learn_many([]) == []


#: what one of two models has that the other has not, and what is said of it
DIFFERENCES: list[tuple[dict[str, Any], str]] = [
    (
        {"policy_kwargs": {"net_arch": [8, 8]}},
        r"net_arch of .* got \[8\] in model 0 and \[8, 8\] in model 1",
    ),
    (
        {"policy_kwargs": {"net_arch": [8], "action_std": 0.5}},
        r"action_std of .* got 0\.70.* in model 0 and",
    ),
    (
        {"policy_kwargs": {"net_arch": [8], "dropout": 0.25}},
        r"use of dropout .* got False in model 0 and True in model 1",
    ),
    ({"n_pairs": 6}, r"got 4 pairs .* in model 0 and 6 pairs .* in model 1"),
    ({"n_segment_steps": 3}, r"of 5 steps .* in model 0 and .* of 3 steps .* in model 1"),
    (
        {"n_cloning_steps": 7},
        r"pairs .* from step 6 on in model 0 and .* from step 7 on in model 1",
    ),
    (
        {"cloning_batch_size": 8},
        r"got 16 transitions .* model 0 and 8 transitions .* model 1",
    ),
    ({"precision": "bfloat16"}, r"precision .* got float32 in model 0 and bfloat16 in model 1"),
    ({"compile": True}, r"`compile` must be False .* got True \(model 1\)"),
]


@pytest.mark.parametrize(("change", "message"), DIFFERENCES, ids=[str(d[0]) for d in DIFFERENCES])
def test_what_differs_is_named(
    change: dict[str, Any], message: str, box_dataset: MinariDataset
) -> None:
    models = [
        PRESA_CASE.make(box_dataset, **({"precision": "float32"} | kwargs))
        for kwargs in ({}, change)
    ]
    before = [weights_of(model) for model in models]
    with pytest.raises(ConfigError, match=message):
        learn_many(models, 3)
    for model, weights in zip(models, before, strict=True):
        assert model.num_timesteps == 0
        assert all(np.array_equal(weights[k], v) for k, v in weights_of(model).items())


@pytest.mark.parametrize("name", REFUSED)
def test_other_algorithms_are_refused(name: str, box_dataset: MinariDataset) -> None:
    models = [CASE[name].make(box_dataset)]
    why = f"got a {type(models[0]).__name__} "
    if name == "presa-adjustable":
        why = "`adjustable` must be False .*, got True "
    with pytest.raises(ConfigError, match=rf"{why}\(model 0\)"):
        learn_many(models, 3)


@pytest.mark.parametrize("first", [0, 1])
def test_labels_with_weights_and_labels_without_may_be_mixed(
    first: int, box_dataset: MinariDataset
) -> None:
    """Those of the first model decided whether any had an effect."""
    plain = tiny_feedback(box_dataset)
    weighted = replace(plain, weights=np.linspace(0.0, 1.0, len(plain.segments), dtype="f4"))
    given = [plain, weighted] if first == 0 else [weighted, plain]

    def make() -> list[Any]:
        return [
            PRESA_CASE.make(box_dataset, labels, seed=seed) for seed, labels in enumerate(given)
        ]

    alone = [learn_quietly(model, 15) for model in make()]
    for one, other in zip(quietly(make(), 15), alone, strict=True):
        for name, value in one.policy.state_dict().items():
            expected = other.policy.state_dict()[name]
            th.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


def test_what_else_is_refused(box_dataset: MinariDataset, make_dataset: Any) -> None:
    model, clone = PRESA_CASE.make(box_dataset), CASE["bc-all"].make(box_dataset)
    kind = r"got 4 pairs .* from step 6 on in model 0 and nothing in model 1"
    with pytest.raises(ConfigError, match=kind):
        learn_many([model, clone], 3)
    with pytest.raises(ConfigError, match="must differ, got the same one twice"):
        learn_many([model, model], 3)
    with pytest.raises(ConfigError, match="`total_timesteps` must be at least 0 or None, got -1"):
        learn_many([model], -1)
    with pytest.raises(ConfigError, match="has no dataset"):
        learn_many([model, PRESA()], 3)
    further = learn_quietly(PRESA_CASE.make(box_dataset), 8)
    with pytest.raises(ConfigError, match=r"num_timesteps of .* got 0 in model 0 and 8 in model 1"):
        learn_many([model, further], 3, reset_num_timesteps=False)
    fewer = PRESA_CASE.make(box_dataset.filter_episodes(lambda e: e.id != 3))
    with pytest.raises(ConfigError, match=r"must share one dataset, got other .* in model 1"):
        learn_many([model, fewer], 3)
