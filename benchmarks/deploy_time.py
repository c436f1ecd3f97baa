"""Time of one action: ``predict``, the exported agent, the monitor, and the former build.

    python benchmarks/deploy_time.py --former /path/to/former/checkout --write

All take turns in one run, a few hundred actions each, so that what else the machine does falls on
all of them alike. The former build acts in a process of its own, with the weights' shapes alike.
Times are those of a clock; "cpu" is the time on the processor alone, as on an idle core.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnxruntime
import torch as th

from sb3_presa import BC, example_dataset
from sb3_presa.data.episodes import load_transitions
from sb3_presa.deploy.export import export_policy
from sb3_presa.deploy.monitor import SafetyMonitor

RESULTS = Path(__file__).parent / "results" / "deploy_time.json"
ROUNDS, ACTIONS = 40, 250

#: By the clock and on the processor, in nanoseconds.
Times: TypeAlias = list[tuple[int, int]]

#: Answers each line with the times of that many actions, in nanoseconds.
FORMER = """
import json, sys, time
import numpy as np, torch as th
from gymnasium import spaces
from sb3_presa.common.policies import OfflinePolicy
th.set_num_threads(1)
n_observations, n_actions = int(sys.argv[1]), int(sys.argv[2])
policy = OfflinePolicy(
    spaces.Box(-1, 1, (n_observations,)), spaces.Box(-1, 1, (n_actions,)), lambda _: 1e-3
)
observation = np.zeros(n_observations, np.float32)
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        start, cpu = time.perf_counter_ns(), time.thread_time_ns()
        policy.predict(observation, deterministic=True)
        times.append((time.perf_counter_ns() - start, time.thread_time_ns() - cpu))
    print(json.dumps(times), flush=True)
"""


def timed(act: Callable[[], Any]) -> Callable[[int], Times]:
    """The function that times each of n actions, in nanoseconds."""

    def run(n: int) -> Times:
        times = []
        for _ in range(n):
            start, cpu = time.perf_counter_ns(), time.thread_time_ns()
            act()
            times.append((time.perf_counter_ns() - start, time.thread_time_ns() - cpu))
        return times

    return run


def measure(former: Path | None) -> dict[str, dict[str, float]]:
    """Times of all, by name."""
    th.set_num_threads(1)
    dataset = example_dataset()
    model = BC.load_offline(dataset, None, seed=0, device="cpu")
    model.learn(500)
    observations = load_transitions(dataset).observations
    assert isinstance(observations, np.ndarray)
    observation = observations[500]
    with tempfile.TemporaryDirectory() as folder:
        path = export_policy(model, Path(folder) / "policy.onnx", dataset=dataset).path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    batch = {"observation": observation[None]}
    # Buffers that stay: the session reads from one and writes to the other
    given = onnxruntime.OrtValue.ortvalue_from_numpy(batch["observation"])
    taken = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, 2), np.float32))
    binding = session.io_binding()
    binding.bind_ortvalue_input("observation", given)
    binding.bind_ortvalue_output("action", taken)

    def act_bound() -> Any:
        given.update_inplace(batch["observation"])
        session.run_with_iobinding(binding)
        return taken.numpy()

    assert np.array_equal(act_bound(), session.run(["action"], batch)[0])
    # No alarm, as in nearly all steps: a warning would be timed, too
    monitor = SafetyMonitor.fit(model, dataset, on_alarm=lambda _: np.zeros(2, np.float32))
    monitor.thresholds = type(monitor.thresholds)(np.inf, np.inf, 0.99)
    runs = {
        "predict": timed(lambda: model.predict(observation, deterministic=True)),
        "exported": timed(lambda: session.run(["action"], batch)),
        "exported, bound": timed(act_bound),
        "monitored": timed(lambda: monitor.predict(observation)),
    }
    process = None
    if former is not None:
        sizes = [str(len(observation)), str(model.action_space.shape[0])]  # type: ignore[index]
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", FORMER, *sizes],
            cwd=former,
            env={"PYTHONPATH": str(former), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        runs["former predict"] = lambda n: ask(process, n)
    times: dict[str, Times] = {name: [] for name in runs}
    for number in range(ROUNDS + 1):
        for name, run in runs.items():
            found = run(ACTIONS)
            if number:  # the first warms up
                times[name] += found
    if process is not None:
        process.terminate()
    return {name: summary(values) for name, values in times.items()}


def ask(process: Any, n: int) -> Times:
    """Times of actions of the former build."""
    process.stdin.write(f"{n}\n")
    process.stdin.flush()
    found: Times = json.loads(process.stdout.readline())
    return found


def summary(times: Times) -> dict[str, float]:
    """Median and 99th percentile, in microseconds."""
    found = {}
    for name, values in zip(("", "cpu_"), np.asarray(times).T, strict=True):
        median, high = np.quantile(values, (0.5, 0.99)) / 1e3
        found[f"{name}median_us"] = round(float(median), 1)
        found[f"{name}p99_us"] = round(float(high), 1)
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--former", type=Path, help="a checkout of the former build")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    arguments = parser.parse_args()
    found = measure(arguments.former)
    of_predict = found["predict"]["median_us"]
    ratios = {name: round(of["median_us"] / of_predict, 3) for name, of in found.items()}
    result = {"of": found, "by_predict": ratios, "actions": ROUNDS * ACTIONS}
    print(json.dumps(result, indent=2))
    if arguments.write:
        RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
