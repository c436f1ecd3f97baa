"""How much slower a step through our environments is than through upstream's classes themselves.

Each simulator runs in a process of its own. There both drive the same episode, from the same seed
with the same actions, and take turns step by step, so that both meet the same traffic and the same
load of the machine; that they see the same is checked. Of MetaDrive, one world of which fits in a
process, one drives the whole episode and then the other. Resets are not timed. Times are of the
process on the CPU; the ratio is the median of the ratios of all pairs of steps.
"""

import argparse
import importlib
import itertools
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from speed_data import write_figures

import sb3_presa  # registers the environments
from sb3_presa.envs import SIMULATORS
from sb3_presa.envs.metadrive_compat import load_metadrive

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
ONE_WORLD = {"metadrive"}


@dataclass(frozen=True)
class Timing:
    """
    Medians over the measured steps.

    :param env_id: which environment
    :param step_us: a step of ours, in microseconds
    :param upstream_us: a step of upstream's, in microseconds
    :param ratio: of the two steps of a pair
    :param n_pairs: pairs of steps
    """

    env_id: str
    step_us: float
    upstream_us: float
    ratio: float
    n_pairs: int


def our_start(env_id: str, seed: int) -> tuple[Any, Any]:
    """
    :param env_id: which environment
    :param seed: of the episode
    :return: ours, and its first observation
    """
    env = gym.make(env_id).unwrapped
    return env, env.reset(seed=seed)[0]


def upstream_start(env_id: str, seed: int) -> tuple[Any, Any]:
    """
    :param env_id: which environment
    :param seed: of the episode as ours has it: what upstream is given is what ours draws from it
    :return: upstream's own environment in the same situation, and its first observation
    """
    spec = gym.spec(env_id)
    module = importlib.import_module(str(spec.entry_point).partition(":")[0])
    generator, _ = gym.utils.seeding.np_random(seed)
    if env_id in SIMULATORS["bullet"].env_ids:
        np.random.seed(int(generator.integers(2**32)))  # noqa: NPY002 - upstream's generator
        env = module.make_upstream(**spec.kwargs)
        return env, env.reset()[0]
    env = module.make_upstream(**spec.kwargs)
    if env_id in SIMULATORS["safety"].env_ids:
        return env, env.reset(seed=seed)[0]
    drawn = int(generator.integers(2**31))
    if env_id in SIMULATORS["highway"].env_ids:
        return env, env.reset(seed=drawn)[0]
    np.random.seed(0)  # noqa: NPY002 - the height of MetaDrive's kerbs
    env.lazy_init()
    env.engine.traffic_manager.np_random = load_metadrive().get_np_random(drawn)
    return env, env.reset()


class Side:
    """
    One of the two that are compared: an environment on its way through an episode.

    :param start: gives the environment and its first observation
    :param ends: where its ends of an episode are in what a step returns
    """

    def __init__(self, start: Callable[[], tuple[Any, Any]], ends: slice) -> None:
        self.start, self.ends = start, ends
        self.seen: list[npt.NDArray[np.float32]] = []
        self.seconds: list[float] = []

    def begin(self) -> None:
        """Nothing of it is timed."""
        self.env, observation = self.start()
        self._see(observation)

    def step(self, action: Any) -> bool:
        """
        :param action: what to do
        :return: whether the episode is over
        """
        started = time.process_time()
        returned = self.env.step(action)
        self.seconds.append(time.process_time() - started)
        self._see(returned[0])
        return any(returned[self.ends])

    def _see(self, observation: Any) -> None:
        self.seen.append(np.array(observation, dtype=np.float32).reshape(-1))


def episode(simulator: str, env_id: str, seed: int, n_steps: int) -> tuple[list[float], ...]:
    """
    :param simulator: key of ``ENV_IDS``
    :param env_id: one of its environments
    :param seed: of the episode and of its actions
    :param n_steps: steps at most
    :return: seconds of each step of ours, and of each of upstream's
    :raises RuntimeError: where the two do not see the same
    """
    # Costs, rewards and infos stand around the ends; MetaDrive's old interface has one of them
    upstream_ends = {"safety": slice(3, 5), "metadrive": slice(2, 3)}
    ours = Side(partial(our_start, env_id, seed), slice(2, 4))
    upstream = Side(
        partial(upstream_start, env_id, seed), upstream_ends.get(simulator, slice(2, 4))
    )
    space = gym.make(env_id).action_space
    space.seed(seed)
    actions = [space.sample() for _ in range(n_steps)]
    sides = [ours, upstream] if seed % 2 else [upstream, ours]
    for group in [[side] for side in sides] if simulator in ONE_WORLD else [sides]:
        for side in group:
            side.begin()
        for action in actions:
            group.reverse()
            if any(side.step(action) for side in group):
                break
        for side in group:
            side.env.close()
    n_pairs = min(len(ours.seconds), len(upstream.seconds))
    if not np.array_equal(ours.seen[: n_pairs + 1], upstream.seen[: n_pairs + 1]):
        raise RuntimeError(f"{env_id}, seed {seed}: ours and upstream's do not see the same")
    return ours.seconds[:n_pairs], upstream.seconds[:n_pairs]


def measure(simulator: str, n_pairs: int, n_steps: int) -> list[Timing]:
    """
    :param simulator: key of ``ENV_IDS``
    :param n_pairs: pairs of steps at least
    :param n_steps: steps of an episode at most
    :return: a timing of each of its environments
    """
    timings = []
    for env_id in ENV_IDS[simulator]:
        ours: list[float] = []
        upstream: list[float] = []
        for seed in itertools.count():
            if len(ours) >= n_pairs and seed % 2 == 0:  # each has been first as often
                break
            found = episode(simulator, env_id, seed, n_steps)
            ours += found[0]
            upstream += found[1]
        ratio = statistics.median(o / u for o, u in zip(ours, upstream, strict=True))
        step, bare = 1e6 * statistics.median(ours), 1e6 * statistics.median(upstream)
        timings.append(Timing(env_id, step, bare, ratio, len(ours)))
    return timings


def show(timings: list[Timing]) -> None:
    """
    :param timings: the rows of the table
    """
    table = Table("environment", title="One step (CPU time)")
    for name in ("ours (us)", "upstream (us)", "ratio", "pairs"):
        table.add_column(name, justify="right")
    for t in timings:
        numbers = (f"{t.step_us:.0f}", f"{t.upstream_us:.0f}", f"{t.ratio:.3f}", str(t.n_pairs))
        table.add_row(t.env_id, *numbers)
    Console().print(table)


def main() -> None:
    """Measures, prints a table and writes it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulators", nargs="+", choices=ENV_IDS, default=list(ENV_IDS))
    parser.add_argument("--pairs", type=int, default=600, help="pairs of steps to time at least")
    parser.add_argument("--steps", type=int, default=200, help="steps of an episode at most")
    parser.add_argument("--json", type=Path, metavar="OUT", help="file to write the figures to")
    arguments = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    timings = []
    for simulator in arguments.simulators:
        with ProcessPoolExecutor(1, mp_context=spawn) as process:
            run = process.submit(measure, simulator, arguments.pairs, arguments.steps)
            timings += run.result()
    show(timings)
    rows = [asdict(timing) for timing in timings]
    write_figures(arguments.json, sb3_presa=sb3_presa.__version__, timings=rows)


if __name__ == "__main__":
    main()
