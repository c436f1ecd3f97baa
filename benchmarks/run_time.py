"""CPU time and peak memory of a default run, this build and another one by turns.

    python benchmarks/run_time.py OTHER presa/ball-circle-v0 presa/car-circle-v0

OTHER is a checkout of the other build. A run is a process of its own with one thread, from
``load_offline`` to the trained agent, label completion included; imports are not counted. The
ratio of each round is this build's time over the other's.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]

_RUN = """
import json, resource, sys, time
import torch
torch.set_num_threads(1)
import sb3_presa
from sb3_presa.algorithms import presa as _
dataset, seed = sys.argv[1], int(sys.argv[2])
before = time.process_time()
model = sb3_presa.PRESA.load_offline(dataset, "run-time", seed=seed)
loaded = time.process_time()
model.learn()
after = time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"load_s": loaded - before, "learn_s": after - loaded, "peak_mb": peak}))
"""

_OLD_RUN = _RUN.replace("from sb3_presa.algorithms import presa as _\n", "sb3_presa.PRESA\n")

_LABEL = """
import sys
from sb3_presa import Feedback
from sb3_presa.data.datasets import dataset_horizon, resolve_dataset
dataset = resolve_dataset(sys.argv[1])
length = max(1, round(dataset_horizon(dataset) / 5))
Feedback.synthetic(dataset, 300, length, cost_limit=float(sys.argv[2]), seed=0,
                   flip_preferences=0.1, flip_safety=0.1).save(dataset, "run-time")
"""


def run(build: Path, program: str, *arguments: str) -> str:
    """
    :param build: a checkout of the package
    :param program: Python source
    :param arguments: of the program
    :return: what it printed
    """
    env = os.environ | {"PYTHONPATH": str(build), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
    done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def commit_of(build: Path) -> str:
    """
    :param build: a checkout
    :return: its commit, short
    """
    command = ["git", "-C", str(build), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def measure(
    build: Path, other: Path, dataset: str, cost_limit: float, rounds: int
) -> dict[str, Any]:
    """
    :param build: this build
    :param other: the other one
    :param dataset: id of a dataset
    :param cost_limit: for the labels: 300 comparisons of a fifth of an episode, a tenth wrong
    :param rounds: runs of each build
    :return: figures
    """
    run(build, _LABEL, dataset, str(cost_limit))
    new: list[dict[str, float]] = []
    old: list[dict[str, float]] = []
    for seed in range(rounds):
        old.append(json.loads(run(other, _OLD_RUN, dataset, str(seed))))
        new.append(json.loads(run(build, _RUN, dataset, str(seed))))
        print(dataset, seed, "other", old[-1], "this", new[-1], file=sys.stderr, flush=True)
    pairs = list(zip(new, old, strict=True))
    return {
        "dataset": dataset,
        "rounds": rounds,
        "cpu_ratio": statistics.median(
            (a["load_s"] + a["learn_s"]) / (b["load_s"] + b["learn_s"]) for a, b in pairs
        ),
        "peak_ratio": statistics.median(a["peak_mb"] / b["peak_mb"] for a, b in pairs),
        "this": {name: statistics.median(a[name] for a in new) for name in new[0]},
        "other": {name: statistics.median(b[name] for b in old) for name in old[0]},
    }


def main() -> None:
    """Measures, and prints or writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="checkout of the other build")
    parser.add_argument("datasets", nargs="+", help="ids, with a cost limit behind an =")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=None, help="JSON file for the figures")
    options = parser.parse_args()
    rows = []
    for given in options.datasets:
        dataset, _, limit = given.partition("=")
        rows.append(measure(HERE, options.other, dataset, float(limit or 20), options.rounds))
    found = {
        "this": commit_of(HERE),
        "other": commit_of(options.other),
        "rows": rows,
    }
    text = json.dumps(found, indent=1)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
