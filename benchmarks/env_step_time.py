"""How much slower a step through our environments is than through upstream's classes themselves.

Each simulator runs in a process of its own, and there our class and upstream's take turns: the
same actions, a block of steps each, so that both see the same load of the machine. Resets are not
timed. Times are of the process on the CPU.
"""

import argparse
import importlib
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
from rich.console import Console
from rich.table import Table
from speed_data import machine

import sb3_presa  # registers the environments
from sb3_presa.envs import SIMULATORS

#: what is timed of each simulator: its lightest and its heaviest steps among them
ENV_IDS = {
    "safety": (
        "presa/SafetyPointGoal1-v0",
        "presa/SafetyCarButton2-v0",
        "presa/SafetySwimmerVelocity-v1",
        "presa/SafetyAntVelocity-v1",
    ),
    "bullet": (
        "presa/SafetyBallRun-v0",
        "presa/SafetyCarCircle-v0",
        "presa/SafetyDroneRun-v0",
        "presa/SafetyAntCircle-v0",
    ),
    "metadrive": ("presa/MetaDrive-easysparse-v0", "presa/MetaDrive-harddense-v0"),
    "highway": ("presa/HighwaySafe-v0", "presa/HighwaySafeDiscrete-v0"),
}


@dataclass(frozen=True)
class Timing:
    """
    Medians over the measured steps, in microseconds.

    :param env_id: which environment
    :param step_us: a step of ours
    :param upstream_us: a step of upstream's
    :param ratio: of those two
    """

    env_id: str
    step_us: float
    upstream_us: float
    ratio: float


def block(make: Callable[[], Any], ends: slice, seed: int, n_steps: int) -> list[float]:
    """
    :param make: makes the environment
    :param ends: where in what a step returns its ends of an episode are
    :param seed: of the actions
    :param n_steps: steps to time, after a few that warm up
    :return: seconds of each
    """
    warm_up = 10
    env = make()
    env.action_space.seed(seed)
    env.reset()
    times = []
    for _ in range(warm_up + n_steps):
        action = env.action_space.sample()
        started = time.process_time()
        returned = env.step(action)
        times.append(time.process_time() - started)
        if any(returned[ends]):
            env.reset()
    env.close()
    return times[warm_up:]


def measure(simulator: str, n_blocks: int, n_steps: int) -> list[Timing]:
    """
    :param simulator: key of ``ENV_IDS``
    :param n_blocks: blocks of either kind
    :param n_steps: steps of a block
    :return: a timing of each of its environments
    """
    timings = []
    for env_id in ENV_IDS[simulator]:
        entry = next(e for e in SIMULATORS[simulator].envs if e.env_id == env_id)
        module = importlib.import_module(entry.entry_point.partition(":")[0])

        def ours(env_id: str = env_id) -> Any:
            return gym.make(env_id).unwrapped

        def upstream(module: Any = module, kwargs: Any = entry.kwargs) -> Any:
            return module.make_upstream(**kwargs)

        # Costs, rewards and infos stand around the ends; MetaDrive's old interface has one of them
        upstream_ends = {"safety": slice(3, 5), "metadrive": slice(2, 3)}
        times: list[float] = []
        upstream_times: list[float] = []
        kinds = (
            (ours, slice(2, 4), times),
            (upstream, upstream_ends.get(simulator, slice(2, 4)), upstream_times),
        )
        for seed in range(n_blocks):
            for make, ends, seconds in kinds if seed % 2 else kinds[::-1]:
                seconds += block(make, ends, seed, n_steps)
        step, bare = statistics.median(times), statistics.median(upstream_times)
        timings.append(Timing(env_id, 1e6 * step, 1e6 * bare, step / bare))
    return timings


def show(timings: list[Timing]) -> None:
    """
    :param timings: the rows of the table
    """
    table = Table("environment", title="One step (CPU time)")
    for name in ("ours (us)", "upstream (us)", "ratio"):
        table.add_column(name, justify="right")
    for t in timings:
        table.add_row(t.env_id, f"{t.step_us:.0f}", f"{t.upstream_us:.0f}", f"{t.ratio:.3f}")
    Console().print(table)


def main() -> None:
    """Measures, prints a table and writes it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulators", nargs="+", choices=ENV_IDS, default=list(ENV_IDS))
    parser.add_argument("--blocks", type=int, default=6, help="blocks of either kind")
    parser.add_argument("--steps", type=int, default=200, help="steps of a block")
    parser.add_argument("--json", type=Path, metavar="OUT", help="file to write the figures to")
    arguments = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    timings = []
    for simulator in arguments.simulators:
        with ProcessPoolExecutor(1, mp_context=spawn) as process:
            run = process.submit(measure, simulator, arguments.blocks, arguments.steps)
            timings += run.result()
    show(timings)
    if arguments.json is not None:
        figures = {
            "machine": machine(),
            "sb3_presa": sb3_presa.__version__,
            "timings": [asdict(timing) for timing in timings],
        }
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
