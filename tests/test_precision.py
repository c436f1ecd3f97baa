"""Which arithmetic a model trains in, and that it acts in float32 whatever that is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import TINY_STEPS, learn_quietly, one_thread, tiny_feedback  # noqa: F401
from contract import (
    PRESA_CASE,
    Case,
    every_case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from minari import MinariDataset
from torch.utils._python_dispatch import TorchDispatchMode

from sb3_presa.completion import complete
from sb3_presa.errors import ConfigError
from sb3_presa.learning import precision as precision_module
from sb3_presa.learning.exactness import Exactness
from sb3_presa.learning.precision import Precision, resolve_precision


@pytest.fixture
def cpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Says what the processor can do."""

    def pretend(multiplies_bfloat16: bool) -> None:
        monkeypatch.setattr(
            precision_module, "cpu_multiplies_bfloat16", lambda: multiplies_bfloat16
        )

    return pretend


class MatrixProducts(TorchDispatchMode):
    """Keeps the types that matrices are multiplied in."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtypes: set[th.dtype] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in (th.ops.aten.addmm, th.ops.aten.mm):
            self.dtypes.add(args[-1].dtype)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("precision", "hardware", "device", "expected"),
    [
        ("auto", True, "cpu", th.bfloat16),
        ("auto", False, "cpu", th.float32),
        ("auto", True, "cuda", th.float32),
        ("float32", True, "cpu", th.float32),
        ("bfloat16", False, "cpu", th.bfloat16),
    ],
)
def test_auto_asks_the_hardware_and_the_others_do_not(
    precision: Precision, hardware: bool, device: str, expected: th.dtype, cpu: Any
) -> None:
    cpu(hardware)
    assert resolve_precision(precision, th.device(device)) is expected


def test_the_processor_is_asked_without_failing_where_it_cannot_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in precision_module._CPU_CHECKS:
        monkeypatch.delattr(th.cpu, name, raising=False)
    assert precision_module.cpu_multiplies_bfloat16() is False


@every_case
@pytest.mark.parametrize("hardware", [False, True])
def test_every_phase_multiplies_in_the_precision_of_the_model(
    case: Case,
    hardware: bool,
    box_dataset: MinariDataset,
    cpu: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cloning, the reference's log-probabilities and alignment; diagnostics do not."""
    cpu(hardware)
    model = case.make(box_dataset, precision="auto")
    # These two look as predict does
    monkeypatch.setattr(model, "warn_of_saturation", lambda **_: None)
    monkeypatch.setattr(Exactness, "error", np.inf)
    with MatrixProducts() as products:
        learn_quietly(model, TINY_STEPS, log_interval=TINY_STEPS + 1, callback=stop_before_the_log)
    assert products.dtypes == {th.bfloat16 if hardware else th.float32}
    with MatrixProducts() as products:
        model.predict(np.zeros(3, dtype=np.float32))
    assert products.dtypes == {th.float32}


def stop_before_the_log(locals_: dict[str, Any], _globals: dict[str, Any]) -> bool:
    return bool(locals_["self"].num_timesteps < TINY_STEPS)


def test_a_saved_model_asks_the_machine_that_loads_it(
    box_dataset: MinariDataset, tmp_path: Path, cpu: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cpu(True)
    model = PRESA_CASE.make(box_dataset, verbose=1, precision="auto")
    assert "Training" not in capsys.readouterr().out, "nothing is trained yet"
    learn_quietly(model, 1).save(tmp_path / "model")
    assert capsys.readouterr().out.count("Training in bfloat16 on cpu\n") == 1
    cpu(False)
    loaded = PRESA_CASE.algorithm.load(tmp_path / "model", device="cpu")
    assert loaded.precision == "auto" and "Training" not in capsys.readouterr().out
    loaded.set_dataset(box_dataset, tiny_feedback(box_dataset))
    learn_quietly(loaded, 1)
    assert capsys.readouterr().out.count("Training in float32 on cpu\n") == 1


def test_bfloat16_learns_nearly_what_float32_learns(box_dataset: MinariDataset) -> None:
    """The weights after a run are as far apart as rounding makes them, not as training does."""
    single = PRESA_CASE.make(box_dataset, precision="float32")
    start = parameters(single)
    learn_quietly(single, TINY_STEPS)
    half = PRESA_CASE.trained(box_dataset, precision="bfloat16")
    rounding = (parameters(half) - parameters(single)).norm()
    assert 0.0 < rounding < 0.1 * (parameters(single) - start).norm()


def parameters(model: Any) -> th.Tensor:
    return th.cat([p.detach().flatten() for p in model.policy.actor.parameters()])


@every_case
def test_an_unknown_precision_is_refused(case: Case, box_dataset: MinariDataset) -> None:
    with pytest.raises(
        ConfigError, match="`precision` must be 'float32' or 'bfloat16' or 'auto', got 'float16'"
    ):
        case.make(box_dataset, tiny_feedback(box_dataset), precision="float16")


@pytest.fixture
def float64() -> Iterator[Callable[[], None]]:
    """Sets another default dtype of PyTorch, for the rest of the test."""
    yield lambda: th.set_default_dtype(th.float64)
    th.set_default_dtype(th.float32)


@every_case
def test_another_default_dtype_is_refused_where_a_run_starts(
    case: Case, box_dataset: MinariDataset, tmp_path: Path, float64: Callable[[], None]
) -> None:
    """PyTorch would say that a Float meets a Double; what is trained acts as it did."""
    feedback = tiny_feedback(box_dataset)
    model = case.trained(box_dataset, feedback)
    model.save(tmp_path / "model")
    action, _ = model.predict(np.zeros(3, dtype=np.float32), deterministic=True)
    float64()
    for start in (
        lambda: case.make(box_dataset, feedback),
        lambda: model.learn(TINY_STEPS, reset_num_timesteps=False),
        lambda: case.algorithm.load(tmp_path / "model"),
        lambda: complete(box_dataset, feedback),
    ):
        with pytest.raises(
            ConfigError,
            match=r"PyTorch's default dtype must be torch\.float32, got torch\.float64; call",
        ):
            start()
    again, _ = model.predict(np.zeros(3, dtype=np.float32), deterministic=True)
    np.testing.assert_array_equal(again, action)
    model.predict(np.zeros(3, dtype=np.float32))
