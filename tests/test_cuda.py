"""Steps that never wait for the device: no number is read from it, and CUDA agrees with the CPU."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch as th
from algorithm_data import TINY_STEPS, alignment_of, learn_quietly, one_thread  # noqa: F401
from contract import PRESA_CASE, Case, every_case
from minari import MinariDataset
from torch.utils._python_dispatch import TorchDispatchMode

from sb3_presa.learning.alignment import PairRows

needs_cuda = pytest.mark.skipif(not th.cuda.is_available(), reason="no CUDA device is present")

#: Operations that read from the device: on CUDA the host waits for their result.
READS = {
    th.ops.aten._local_scalar_dense,
    th.ops.aten.is_nonzero,
    th.ops.aten.item,
    th.ops.aten.masked_select,
    th.ops.aten.nonzero,
    th.ops.aten.equal,
}


class NoReads(TorchDispatchMode):
    """Raises where a number, or a shape that depends on numbers, is read from the device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        masks = func.overloadpacket is th.ops.aten.index and any(
            index is not None and index.dtype == th.bool for index in args[1]
        )
        if masks or func.overloadpacket in READS:
            raise AssertionError(f"{func} reads from the device")
        return func(*args, **(kwargs or {}))


def steps_of_every_phase(model: Any) -> Iterator[tuple[Any, int]]:
    """Each step of a run, and the loop that takes it; phases are entered before, and may read."""
    with model.learning(TINY_STEPS) as run:
        for step in range(TINY_STEPS):
            run.loop.enter(step)
            yield run.loop, step
            model.count_step()


def prepared(case: Case, dataset: MinariDataset, **kwargs: Any) -> Any:
    """A model after a whole run, so that what a phase does once has been done."""
    return learn_quietly(case.make(dataset, **kwargs), TINY_STEPS)


@every_case
def test_no_step_reads_from_the_device(case: Case, box_dataset: MinariDataset) -> None:
    """Wherever it runs; so it need not wait for a GPU, and a GPU need not wait for it."""
    model = prepared(case, box_dataset)
    for loop, step in steps_of_every_phase(model):
        with NoReads():
            loop.step(step)


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(),
        lambda x: bool((x > 0).any()),
        lambda x: x[x > 0],
        lambda x: (x > 0).nonzero(),
        lambda x: th.equal(x, x),
    ],
)
def test_a_read_would_be_noticed(read: Any) -> None:
    with pytest.raises(AssertionError, match="reads from the device"), NoReads():
        read(th.ones(3))


@needs_cuda
@every_case
def test_no_step_synchronises_with_cuda(case: Case, box_dataset: MinariDataset) -> None:
    model = prepared(case, box_dataset, device="cuda")
    for loop, step in steps_of_every_phase(model):
        th.cuda.set_sync_debug_mode("error")
        try:
            loop.step(step)
        finally:
            th.cuda.set_sync_debug_mode("default")


def loss_of_a_batch(model: Any) -> dict[str, float]:
    """Losses on the same weights and the same evenly spaced steps, whatever the device draws."""
    phase = alignment_of(model)
    rows = th.arange(model.n_pairs, device=model.device)
    labels = model.source.training
    steps = model.source.sample_steps(labels.pairs[rows], phase.n_segment_steps, None)
    loss, metrics, _ = phase.loss(PairRows(rows, steps))
    return {"loss": float(loss), **{name: float(value) for name, value in metrics.items()}}


@needs_cuda
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_cuda_gives_the_losses_that_the_cpu_gives(
    compiled: bool, box_dataset: MinariDataset
) -> None:
    on_cpu = prepared(PRESA_CASE, box_dataset, precision="float32")
    on_cuda = prepared(
        PRESA_CASE, box_dataset, precision="float32", device="cuda", compile=compiled
    )
    on_cuda.set_parameters(on_cpu.get_parameters())
    expected = loss_of_a_batch(on_cpu)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a step that could not be compiled
        losses = loss_of_a_batch(on_cuda)
    assert losses == pytest.approx(expected, rel=1e-3, abs=1e-4)
