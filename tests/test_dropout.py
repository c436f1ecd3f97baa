"""Dropout: what it does to numbers, where it acts and where it does not."""

from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    TINY_PRESA,
    TINY_STEPS,
    alignment_of,
    assert_same_weights,
    in_objective,
    learn_quietly,
    one_thread,
    tiny_feedback,
    weights_of,
)
from minari import MinariDataset

from sb3_presa import PRESA
from sb3_presa.errors import ConfigError
from sb3_presa.policies.dropout import SeededDropout

DROPOUT: dict[str, Any] = {"net_arch": [16, 16], "dropout": 0.5}


def test_it_drops_a_share_and_keeps_the_mean() -> None:
    """Of 100,000 inputs 25% are dropped, within 5 standard errors, and the rest are scaled up;
    of each quarter too, since four inputs are decided over by one random number."""
    layer = SeededDropout(0.25)
    inputs = th.ones(100_000)
    assert th.equal(layer(inputs), inputs), "without randomness it does nothing"
    layer.generator = th.Generator().manual_seed(0)
    outputs = layer(inputs)
    assert outputs.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert abs(float((outputs == 0).float().mean()) - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 1e5)
    by_place = (outputs == 0).float().view(-1, 4).mean(0)
    assert (abs(by_place - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 25e3)).all()
    assert not th.equal(layer(inputs), outputs), "the next mask is another one"
    layer.generator.manual_seed(0)
    assert th.equal(layer(inputs), outputs)
    one = th.ones(3, 7, dtype=th.bfloat16, requires_grad=True)
    assert layer(one).dtype == th.bfloat16
    layer.generator.manual_seed(1)
    passed = layer(one)
    passed.sum().backward()
    assert one.grad is not None
    assert th.equal(one.grad, passed), "gradients flow where inputs do"


def make(dataset: MinariDataset, **kwargs: Any) -> Any:
    arguments: dict[str, Any] = {"device": "cpu", "seed": 0, "policy_kwargs": DROPOUT, **TINY_PRESA}
    return PRESA.load_offline(dataset, tiny_feedback(dataset), **in_objective(arguments | kwargs))


def test_only_training_steps_drop(box_dataset: MinariDataset) -> None:
    """Predictions repeat, and the log-ratios of two equal networks are 0, while learning too."""
    model = make(box_dataset, validation_fraction=0.3)
    observations = np.random.default_rng(0).uniform(-1, 1, (50, 3)).astype(np.float32)

    def check(locals_: dict[str, Any], _globals: dict[str, Any]) -> bool:
        first, second = (model.predict(observations, deterministic=True)[0] for _ in range(2))
        assert np.array_equal(first, second)
        return True

    learn_quietly(model, TINY_STEPS, callback=check)
    model.policy.actor.load_state_dict(model.policy.actor_reference.state_dict())
    rows = th.arange(len(model.source.training.pairs))
    phase = alignment_of(model)
    assert phase.evaluate(rows).log_ratio.abs().max() < 1e-5
    with model.policy.dropping_out(th.Generator().manual_seed(0)):
        dropped = phase.evaluate(rows).log_ratio
    assert dropped.abs().max() > 0.01
    assert dropped.mean() < 0, "what is dropped in one of two equal networks is noise in it alone"


def test_it_changes_training_and_repeats_with_the_seed(box_dataset: MinariDataset) -> None:
    plain = make(box_dataset, policy_kwargs={**DROPOUT, "dropout": 0.0})
    models = [learn_quietly(make(box_dataset), TINY_STEPS) for _ in range(2)]
    assert_same_weights(*models)
    learn_quietly(plain, TINY_STEPS)
    name = "/policy/actor.head.mean.weight"
    assert not np.array_equal(weights_of(plain)[name], weights_of(models[0])[name])


def test_the_policy_keeps_it(box_dataset: MinariDataset, tmp_path: Any) -> None:
    model = learn_quietly(make(box_dataset), 8)
    model.save(tmp_path / "model")
    loaded = PRESA.load(tmp_path / "model", device="cpu")
    assert loaded.policy.dropout == 0.5
    loaded.set_dataset(box_dataset, tiny_feedback(box_dataset))
    for one in (model, loaded):
        learn_quietly(one, 3, reset_num_timesteps=False)
    assert_same_weights(model, loaded)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_out_of_range_is_refused(share: float, box_dataset: MinariDataset) -> None:
    with pytest.raises(ConfigError, match=rf"`dropout` must be in \[0, 1\), got {share}"):
        make(box_dataset, policy_kwargs={"dropout": share})
