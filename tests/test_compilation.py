"""The compiled step: the same results, or the uncompiled step where there is no compiler."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch as th
import torch._inductor.config as inductor
from algorithm_data import (  # noqa: F401
    alignment_of,
    assert_same_weights,
    learn_quietly,
    one_thread,
    tiny_feedback,
    weights_of,
)
from contract import PRESA_CASE
from minari import MinariDataset

from sb3_presa.learning.compilation import CompiledFunction

#: cloning and one phase of alignment, so that one graph is compiled
SETTINGS: dict[str, Any] = {"n_cloning_steps": 2, "objective_kwargs": {"n_attain_steps": 0}}
N_STEPS = 8


@pytest.fixture(autouse=True)
def forget_what_was_compiled() -> Iterator[None]:
    th.compiler.reset()
    yield
    th.compiler.reset()


def trained(dataset: MinariDataset, **kwargs: Any) -> Any:
    return learn_quietly(PRESA_CASE.make(dataset, **SETTINGS, **kwargs), N_STEPS)


def test_the_compiled_step_gives_what_the_uncompiled_one_gives(
    box_dataset: MinariDataset, recwarn: pytest.WarningsRecorder
) -> None:
    """Weights, optimizer, multiplier and offset, after steps of both phases."""
    plain, compiled = trained(box_dataset), trained(box_dataset, compile=True)
    assert not [w for w in recwarn if "could not be compiled" in str(w.message)]
    assert not isinstance(alignment_of(plain)._evaluate, CompiledFunction)
    assert isinstance(alignment_of(compiled)._evaluate, CompiledFunction)
    expected, weights = weights_of(plain), weights_of(compiled)
    assert weights.keys() == expected.keys()
    for name, values in weights.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(values, expected[name], 1e-3, 1e-5, err_msg=name)


def test_without_a_compiler_it_runs_uncompiled_and_says_so_once(
    box_dataset: MinariDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inductor.cpp, "cxx", ("no-such-compiler",))
    monkeypatch.setattr(inductor, "force_disable_caches", True)
    plain = trained(box_dataset)
    with pytest.warns(UserWarning, match="could not be compiled") as warned:
        uncompiled = trained(box_dataset, compile=True)
    assert sum("could not be compiled" in str(w.message) for w in warned) == 1
    assert_same_weights(plain, uncompiled)


def test_a_fault_of_the_function_itself_is_not_swallowed() -> None:
    def faulty(x: th.Tensor) -> th.Tensor:
        raise KeyError("its own")

    with pytest.warns(UserWarning), pytest.raises(KeyError, match="its own"):
        CompiledFunction(faulty, th.device("cpu"))(th.zeros(1))


def test_a_model_that_compiles_is_saved_without_what_was_compiled(
    box_dataset: MinariDataset, tmp_path: Any
) -> None:
    model = PRESA_CASE.make(box_dataset, compile=True)
    model.save(tmp_path / "model")
    loaded = PRESA_CASE.algorithm.load(tmp_path / "model", device="cpu")
    assert loaded.compile
    loaded.set_dataset(box_dataset, tiny_feedback(box_dataset))
    assert isinstance(alignment_of(loaded)._evaluate, CompiledFunction)
