"""How much faster many agents are trained at once than one after the other.

For each number of agents, ``learn_many`` and the agents' own ``learn()`` take turns in one process,
some steps at a time, so that both are timed under the same load. PRESA with its default sizes, of
other seeds, labels and cost limits; cloning and alignment are timed apart. On one thread of a CPU
times are of the process on the CPU, otherwise on the wall's clock.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch as th
from minari import MinariDataset
from rich.console import Console
from rich.table import Table
from speed_data import EPISODE_LENGTH, made_up_dataset, write_figures

from sb3_presa import PRESA, learn_many
from sb3_presa.feedback.table import Feedback

#: arguments of PRESA that leave one phase only; cloning lasts as long as it is measured
PHASES: dict[str, dict[str, Any]] = {
    "cloning": {"completion": False},
    "alignment": {
        "completion": False,
        "n_cloning_steps": 0,
        "objective_kwargs": {"n_attain_steps": 0},
    },
}
#: cost limits of the agents, in turn; an episode of the made-up data costs about 100
COST_LIMITS = (97.0, 100.0, 103.0)
#: cloning and alignment steps of a run of the default length
DEFAULT_RUN = {"cloning": 700, "alignment": 400}


@dataclass(frozen=True)
class Timing:
    """
    Medians over the turns, in milliseconds a gradient step of one agent.

    :param device: type of the device
    :param threads: threads of the CPU
    :param precision: of the forward and backward passes
    :param phase: key of ``PHASES``, or ``"default run"``: both, weighted as a run has them
    :param n_agents: how many are trained
    :param alone_ms: one after the other
    :param together_ms: at once
    :param ratio: of the throughputs: how many times as many steps in a second
    """

    device: str
    threads: int
    precision: str
    phase: str
    n_agents: int
    alone_ms: float
    together_ms: float
    ratio: float


def make_agents(
    dataset: MinariDataset, labels: list[Feedback], n_agents: int, **kwargs: Any
) -> list[PRESA]:
    """
    :param dataset: the data
    :param labels: feedback, one of each cost limit
    :param n_agents: how many
    :param kwargs: arguments of PRESA
    :return: agents of other seeds and labels
    """
    return [
        PRESA.load_offline(dataset, labels[i % len(labels)], seed=i, **kwargs)
        for i in range(n_agents)
    ]


def measure(
    dataset: MinariDataset,
    labels: list[Feedback],
    n_agents: int,
    phase: str,
    steps: int,
    turns: int,
    settings: dict[str, Any],
) -> Timing:
    """
    :param dataset: the data
    :param labels: feedback, one of each cost limit
    :param n_agents: how many are trained
    :param phase: key of ``PHASES``
    :param steps: gradient steps of each agent in a turn
    :param turns: turns to measure, after one that warms up
    :param settings: device and precision
    :return: medians
    """
    # Rates of all steps of a phase are worked out when it begins
    options = {"n_cloning_steps": (1 + turns) * steps, **PHASES[phase], **settings}
    alone = make_agents(dataset, labels, n_agents, **options)
    together = make_agents(dataset, labels, n_agents, **options)

    def one_after_the_other() -> None:
        for agent in alone:
            agent.learn(steps, log_interval=steps, reset_num_timesteps=False)

    def at_once() -> None:
        learn_many(together, steps, log_interval=steps, reset_num_timesteps=False)

    device = alone[0].device
    times: dict[Callable[[], None], list[float]] = {one_after_the_other: [], at_once: []}
    for _ in range(1 + turns):
        for train, its_times in times.items():
            its_times.append(1e3 * _seconds(train, device) / (steps * n_agents))
    alone_ms, together_ms = (statistics.median(its_times[1:]) for its_times in times.values())
    return Timing(
        device.type,
        th.get_num_threads(),
        str(alone[0].compute_dtype).removeprefix("torch."),
        phase,
        n_agents,
        alone_ms,
        together_ms,
        alone_ms / together_ms,
    )


def default_run(timings: list[Timing]) -> Timing:
    """
    :param timings: cloning and alignment of the same agents
    :return: the mean step of a run of the default length
    """
    total = sum(DEFAULT_RUN.values())
    alone, together = (
        sum(DEFAULT_RUN[t.phase] * getattr(t, name) for t in timings) / total
        for name in ("alone_ms", "together_ms")
    )
    like = {**asdict(timings[0]), "phase": "default run"}
    return Timing(**{**like, "alone_ms": alone, "together_ms": together, "ratio": alone / together})


def _seconds(function: Callable[[], None], device: th.device) -> float:
    on_one_thread = device.type == "cpu" and th.get_num_threads() == 1
    clock = time.process_time if on_one_thread else time.perf_counter
    started = clock()
    function()
    if device.type == "cuda":
        th.cuda.synchronize(device)
    return clock() - started


def show(timings: list[Timing]) -> None:
    """
    :param timings: the rows of the table
    """
    table = Table(title="One gradient step of one agent")
    for name in ("device", "threads", "precision", "steps of"):
        table.add_column(name)
    for name in ("agents", "one after the other (ms)", "at once (ms)", "throughput"):
        table.add_column(name, justify="right")
    for t in timings:
        figures = (str(t.n_agents), f"{t.alone_ms:.2f}", f"{t.together_ms:.2f}", f"{t.ratio:.2f}")
        table.add_row(t.device, str(t.threads), t.precision, t.phase, *figures)
    Console(width=110).print(table)


def main() -> None:
    """Measures, prints a table and writes it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", nargs="+", type=int, default=[1, 4, 16])
    parser.add_argument("--steps", type=int, default=10, help="gradient steps in a turn")
    parser.add_argument("--turns", type=int, default=5, help="turns of each way of training")
    parser.add_argument("--threads", type=int, default=1, help="threads of the CPU")
    parser.add_argument("--device", default=None, help="the CPU, and a GPU if there is one")
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--json", type=Path, metavar="OUT", help="file to write the figures to")
    arguments = parser.parse_args()
    th.set_num_threads(arguments.threads)
    warnings.filterwarnings("ignore", category=UserWarning)
    devices = [arguments.device] if arguments.device else ["cpu"]
    if not arguments.device and th.cuda.is_available():
        devices.append("cuda")
    timings = []
    with tempfile.TemporaryDirectory() as root:
        dataset = made_up_dataset(Path(root), 40_000)
        labels = [
            Feedback.synthetic(dataset, 2000, EPISODE_LENGTH, cost_limit=limit, seed=0)
            for limit in COST_LIMITS
        ]
        for device in devices:
            for precision in arguments.precisions:
                for n_agents in arguments.agents:
                    settings = {"device": device, "precision": precision}
                    sizes = arguments.steps, arguments.turns
                    phases = [
                        measure(dataset, labels, n_agents, phase, *sizes, settings)
                        for phase in PHASES
                    ]
                    timings += [*phases, default_run(phases)]
    show(timings)
    write_figures(arguments.json, timings=[asdict(timing) for timing in timings])


if __name__ == "__main__":
    main()
