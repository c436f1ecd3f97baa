"""How much an alignment step of PRESA costs beside the network's own forward and backward pass.

While PRESA learns, a callback runs a bare step after every one of its steps: float32 forward,
backward and Adam of the same policy on a batch that is ready. So both are timed in one process
and under the same load, and what is timed of PRESA is all that ``learn()`` does between two
callbacks: sampling, gathering, losses, backward, clipping, Adam, the running average, the
multiplier and the metrics. Times are of the process on the CPU, on one thread.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch as th
from minari import MinariDataset
from rich.console import Console
from rich.table import Table
from speed_data import EPISODE_LENGTH, made_up_dataset, write_figures
from stable_baselines3.common.callbacks import BaseCallback

from sb3_presa import PRESA
from sb3_presa.feedback.table import Feedback


@dataclass(frozen=True)
class Shape:
    """
    What a step is made of.

    :param n_pairs: pairs of segments
    :param n_segment_steps: steps of each segment
    :param width: of both hidden layers
    """

    n_pairs: int
    n_segment_steps: int
    width: int

    def __str__(self) -> str:
        return f"{2 * self.n_pairs} x {self.n_segment_steps}, {self.width}x{self.width}"


#: what is compared with the literature, and what PRESA's defaults are
SHAPES = {"large": Shape(96, 100, 256), "default": Shape(32, 64, 128)}
MODES: dict[str, dict[str, Any]] = {
    "float32": {"precision": "float32"},
    "bfloat16": {"precision": "bfloat16"},
    "float32, compiled": {"precision": "float32", "compile": True},
    "bfloat16, compiled": {"precision": "bfloat16", "compile": True},
}


@dataclass(frozen=True)
class Timing:
    """
    Medians over the measured steps, in milliseconds.

    :param shape: what a step is made of
    :param mode: key of ``MODES``
    :param step_ms: a step of PRESA
    :param bare_ms: the bare float32 step that ran after each
    :param ratio: of those two
    :param first_step_s: seconds on the wall's clock until the first step was taken, compilation
        included
    """

    shape: str
    mode: str
    step_ms: float
    bare_ms: float
    ratio: float
    first_step_s: float


class BareStep:
    """
    A float32 forward, backward and Adam step of the same policy on a batch that is ready.

    :param model: whose policy and data to take
    :param shape: size of the batch
    """

    def __init__(self, model: PRESA, shape: Shape) -> None:
        source = model.require_source()
        self.actor = deepcopy(model.policy.actor)
        self.optimizer = th.optim.Adam(self.actor.parameters(), lr=3e-4)
        rows = th.arange(2 * shape.n_pairs * shape.n_segment_steps) % source.n_transitions
        self.observations, self.actions = source.gather(rows)

    def __call__(self) -> None:
        loss = -self.actor.log_prob(self.observations, self.actions).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


class Stopwatch(BaseCallback):
    """
    Times the steps of PRESA and a bare step after each.

    :param bare: the bare step
    """

    def __init__(self, bare: BareStep) -> None:
        super().__init__()
        self.bare = bare
        self.steps: list[float] = []
        self.bare_steps: list[float] = []

    def _on_training_start(self) -> None:
        self.first_step_s = 0.0
        self.begun = time.perf_counter()
        self.started = time.process_time()

    def _on_step(self) -> bool:
        stepped = time.process_time()
        if not self.steps:
            self.first_step_s = time.perf_counter() - self.begun
        self.bare()
        ended = time.process_time()
        self.steps.append(stepped - self.started)
        self.bare_steps.append(ended - stepped)
        self.started = time.process_time()
        return True


def measure(
    dataset: MinariDataset, feedback: Feedback, shape: Shape, mode: str, n_steps: int
) -> Timing:
    """
    :param dataset: the data
    :param feedback: its labels
    :param shape: what a step is made of
    :param mode: key of ``MODES``
    :param n_steps: steps to measure, after a few that warm up
    :return: medians
    """
    warm_up = 5
    model = PRESA.load_offline(
        dataset,
        feedback,
        completion=False,  # it may find that labels of made-up data are not to be aligned with
        n_cloning_steps=0,
        objective_kwargs={"n_attain_steps": 0},
        n_pairs=shape.n_pairs,
        n_segment_steps=shape.n_segment_steps,
        policy_kwargs={"net_arch": [shape.width, shape.width]},
        device="cpu",
        seed=0,
        **MODES[mode],
    )
    watch = Stopwatch(BareStep(model, shape))
    model.learn(warm_up + n_steps, callback=watch)
    step = statistics.median(watch.steps[warm_up:])
    bare = statistics.median(watch.bare_steps[warm_up:])
    return Timing(str(shape), mode, 1e3 * step, 1e3 * bare, step / bare, watch.first_step_s)


def show(timings: list[Timing]) -> None:
    """
    :param timings: the rows of the table
    """
    table = Table("segments x steps, network", "mode", title="One alignment step (CPU time)")
    for name in ("PRESA (ms)", "bare float32 (ms)", "ratio", "first step (s)"):
        table.add_column(name, justify="right")
    for t in timings:
        figures = (
            f"{t.step_ms:.1f}",
            f"{t.bare_ms:.1f}",
            f"{t.ratio:.2f}",
            f"{t.first_step_s:.1f}",
        )
        table.add_row(t.shape, t.mode, *figures)
    Console().print(table)


def main() -> None:
    """Measures, prints a table and writes it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40, help="steps to measure of each mode")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--json", type=Path, metavar="OUT", help="file to write the figures to")
    arguments = parser.parse_args()
    th.set_num_threads(1)
    warnings.filterwarnings("ignore", category=UserWarning)
    timings = []
    with tempfile.TemporaryDirectory() as root:
        dataset = made_up_dataset(Path(root), 40_000)
        feedback = Feedback.synthetic(dataset, 2000, EPISODE_LENGTH, cost_limit=100.0, seed=0)
        for shape in arguments.shapes:
            for mode in arguments.modes:
                timings.append(measure(dataset, feedback, SHAPES[shape], mode, arguments.steps))
    show(timings)
    write_figures(arguments.json, timings=[asdict(timing) for timing in timings])


if __name__ == "__main__":
    main()
