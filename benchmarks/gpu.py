"""What a GPU is worth here: everything that eight minutes on one can decide, most important first.

    python benchmarks/gpu.py OUT                    # on a machine with a GPU
    python benchmarks/gpu.py OUT --device cpu --small   # the same program in a minute or two

Each part runs in a process of its own and writes ``OUT/PART.json`` when it ends, so that a cut, a
crash or a full card costs one part. Nothing is installed: the package's wheel (or this checkout)
and its dependencies must be there, and pytest for part ``agreement``'s tests. ``OUT/summary.json``
holds the targets beside what was measured.

agreement   every test marked for CUDA and the contract suite of three algorithms; losses and
            weights after 50 steps beside the CPU's
steps       one alignment step: eager, compiled, bfloat16, and a bare step beside it; waits of the
            host and kernel launches in a step, by the profiler
many        ``learn_many`` with 1 to 351 agents beside one at a time
run         a default run, ``load_offline`` to ``evaluate_policy``; a step of TraC by its formula
images      a step on 84 x 84 images: data on the device, or pinned and copied
"""

import argparse
import copy
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch as th
from minari.data_collector import EpisodeBuffer
from speed_data import EPISODE_LENGTH, machine, made_up_dataset

from sb3_presa import BC, PRESA, SafeRLHF, learn_many
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.feedback.table import Feedback

#: Seconds after which a part is ended, in the order in which parts run: 8 minutes together.
PARTS = {"agreement": 130, "steps": 110, "many": 120, "run": 70, "images": 50}
#: Agents of the paper's table: 39 tasks, 3 limits, 3 seeds.
N_PAPER = 351
#: Largest difference of a loss or weight after 50 steps in float32, of its size and absolute.
TOLERANCE: dict[str, Any] = {"rtol": 2e-3, "atol": 2e-4}


def main() -> None:
    """Runs the parts, or one of them where ``--part`` names it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for the results")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="tiny sizes, to try the program")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not th.cuda.is_available():
        parser.error("no CUDA device is present; --device cpu --small tries the program")
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.part is not None:
        warnings.filterwarnings("ignore")
        found = _PARTS[arguments.part](arguments.device, arguments.small)
        _write(arguments.out / f"{arguments.part}.json", {"card": card(arguments.device), **found})
        return
    for part in arguments.parts:
        command = [sys.executable, __file__, str(arguments.out), "--device", arguments.device]
        command += ["--part", part, *(["--small"] if arguments.small else [])]
        started = time.monotonic()
        try:
            limit = PARTS[part] * (5 if arguments.small else 1)  # a busy CPU is no measurement
            status: Any = subprocess.run(command, check=False, timeout=limit).returncode
        except subprocess.TimeoutExpired:
            status = "out of time"
        print(f"{part}: {status or 'done'} after {time.monotonic() - started:.0f} s", flush=True)
        summarise(arguments.out)


def card(device: str) -> dict[str, Any]:
    """
    :param device: ``"cuda"`` or ``"cpu"``
    :return: what was measured on
    """
    name = th.cuda.get_device_name() if device == "cuda" else "CPU"
    return {"device": name, **machine()}


# --- agreement --------------------------------------------------------------------------------


def agreement(device: str, small: bool) -> dict[str, Any]:
    """
    :param device: of the runs that are compared with the CPU's
    :param small: whether to leave the tests out
    :return: results of the tests, and the largest differences after 50 steps
    """
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as root:
        dataset = made_up_dataset(Path(root), 4_000)
        labels = Feedback.synthetic(dataset, 200, 50, cost_limit=100.0, seed=0)
        for name, make in _agents(small).items():
            here, there = (make(dataset, labels, on) for on in ("cpu", device))
            there.set_parameters(here.get_parameters())
            found[name] = _largest_difference(here, there, 10 if small else 50)
    tests = Path(__file__).parent.parent / "tests"
    if device == "cuda" and tests.is_dir():
        # SB3's contract, on the device, for three kinds of algorithms
        environment = {**os.environ, "SB3_PRESA_TEST_DEVICE": device}
        chosen = {
            "cuda_tests": ["test_cuda.py"],
            "contract": ["test_contract.py", "-k", "presa or bc-safe or safe-rlhf"],
        }
        for name, arguments in chosen.items():
            command = [sys.executable, "-m", "pytest", "-q", "--no-cov", "-p", "no:cacheprovider"]
            done = subprocess.run(
                [*command, *arguments],
                check=False,
                cwd=tests,
                capture_output=True,
                text=True,
                env=environment,
            )
            lines = done.stdout.strip().splitlines()
            failed = [line for line in lines if line.startswith("FAILED")]
            found[name] = {"status": done.returncode, "last": lines[-1:], "failed": failed[:20]}
    return found


def _agents(small: bool) -> dict[str, Callable[[Any, Any, str], Any]]:
    def presa(dataset: Any, labels: Any, device: str) -> Any:
        steps: dict[str, Any] = {"n_cloning_steps": 3, "objective_kwargs": {"n_attain_steps": 2}}
        return PRESA.load_offline(
            dataset, labels, completion=False, seed=0, device=device, **(steps if small else {})
        )

    def bc(dataset: Any, labels: Any, device: str) -> Any:
        return BC.load_offline(dataset, labels, data="safe", seed=0, device=device)

    def safe_rlhf(dataset: Any, labels: Any, device: str) -> Any:
        return SafeRLHF.load_offline(dataset, labels, seed=0, device=device)

    return {"PRESA": presa, "BC": bc, "SafeRLHF": safe_rlhf}


def _largest_difference(here: Any, there: Any, n_steps: int) -> dict[str, float | bool]:
    """Of the weights of two models that take the same steps on the same minibatches."""
    for model in (here, there):
        with model.learning(n_steps) as run:
            on_cpu = th.Generator("cpu")
            for step in range(n_steps):
                phase, _ = run.loop.enter(step)
                _step_alike(model, phase, on_cpu.manual_seed(step))
                model.count_step()
    pairs = [
        (value.cpu(), there.policy.state_dict()[name].cpu())
        for name, value in here.policy.state_dict().items()
        if value.is_floating_point()
    ]
    largest = max(float((a - b).abs().max()) for a, b in pairs)
    alike = all(th.allclose(a.double(), b.double(), **TOLERANCE) for a, b in pairs)
    return {"largest_difference": largest, "within_tolerance": alike, **TOLERANCE}


def _step_alike(model: Any, phase: Any, generator: th.Generator) -> None:
    """A step on a minibatch that the CPU's generator draws, whatever the device."""
    source = phase.source
    moved = _moved(source, "cpu")
    phase.source = moved
    for name in ("rows", "pairs"):  # samplers hold tensors of the device
        if hasattr(phase, name):
            setattr(phase, name, _moved(getattr(phase, name), "cpu"))
    batch = _moved(phase.sample(generator), str(model.device))
    phase.source = source
    loss, _, state = phase.loss(batch)
    phase.optimizer.zero_grad()
    loss.backward()
    phase.optimizer.step()
    phase.keep(state)


def _moved(value: Any, device: str) -> Any:
    """A copy on a device: tensors, and whatever holds them."""
    if isinstance(value, th.Tensor):
        return value.to(device)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_moved(each, device) for each in value))
    if isinstance(value, list | tuple):
        return type(value)(_moved(each, device) for each in value)
    if isinstance(value, dict):
        return {key: _moved(each, device) for key, each in value.items()}
    if type(value).__module__.startswith("sb3_presa.learning"):
        twin = copy.copy(value)
        for name, each in vars(value).items():
            object.__setattr__(twin, name, _moved(each, device))
        return twin
    return value


# --- steps ------------------------------------------------------------------------------------

_SHAPES = {"default": (16, 32, 128), "large": (96, 100, 256)}
_MODES: dict[str, dict[str, Any]] = {
    "float32": {},
    "bfloat16": {"precision": "bfloat16"},
    "float32, compiled": {"compile": True},
    "bfloat16, compiled": {"precision": "bfloat16", "compile": True},
}


def steps(device: str, small: bool) -> dict[str, Any]:
    """
    :param device: where to run
    :param small: a few steps of the default shape, uncompiled
    :return: medians of a step in milliseconds, by shape and mode; waits and launches of one
    """
    rows = []
    with tempfile.TemporaryDirectory() as root:
        dataset = made_up_dataset(Path(root), 40_000)
        labels = Feedback.synthetic(dataset, 2000, EPISODE_LENGTH, cost_limit=100.0, seed=0)
        for shape in ["default"] if small else _SHAPES:
            for mode in ["float32"] if small else _MODES:
                model = _aligning(dataset, labels, shape, mode, device)
                rows.append(_time_steps(model, shape, mode, 10 if small else 200))
        if not small:
            on_cpu = _aligning(dataset, labels, "default", "float32", "cpu")
            th.set_num_threads(1)
            rows.append(_time_steps(on_cpu, "default", "float32 on one core", 100))
    return {"steps": rows}


def _aligning(dataset: Any, labels: Any, shape: str, mode: str, device: str) -> Any:
    n_pairs, n_segment_steps, width = _SHAPES[shape]
    return PRESA.load_offline(
        dataset,
        labels,
        completion=False,
        n_cloning_steps=0,
        objective_kwargs={"n_attain_steps": 0},
        n_pairs=n_pairs,
        n_segment_steps=n_segment_steps,
        policy_kwargs={"net_arch": [width, width]},
        device=device,
        seed=0,
        **_MODES[mode],
    )


def _time_steps(model: Any, shape: str, mode: str, n_steps: int) -> dict[str, Any]:
    times, bare_times = [], []
    bare = _bare_step(model, shape)
    warm_up = 10
    with model.learning(n_steps + warm_up) as run:
        begun = time.perf_counter()
        for step in range(n_steps):
            run.loop.enter(step)
            times.append(_seconds(lambda at=step: run.loop.step(at), model.device))  # type: ignore[misc]
            if step == 0:
                first = time.perf_counter() - begun
            bare_times.append(_seconds(bare, model.device))
            model.count_step()
        row = {
            "shape": shape,
            "mode": mode,
            "step_ms": 1e3 * statistics.median(times[5:]),
            "bare_ms": 1e3 * statistics.median(bare_times[5:]),
            "first_step_s": first,
        }
        if model.device.type == "cuda":
            row |= _profiled(run.loop, n_steps)
        else:
            run.loop.step(n_steps)
    return row


def _profiled(loop: Any, step: int) -> dict[str, int]:
    """Waits of the host for the device in one step, and launches."""
    activities = [th.profiler.ProfilerActivity.CPU, th.profiler.ProfilerActivity.CUDA]
    th.cuda.synchronize()
    with th.profiler.profile(activities=activities) as profiler:
        loop.step(step)
    counts = {event.key: event.count for event in profiler.key_averages()}
    waits = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
    launches = ("cudaLaunchKernel", "cudaGraphLaunch", "cudaLaunchKernelExC", "cuLaunchKernel")
    # The profiler itself waits once when it ends
    return {
        "waits": max(0, sum(counts.get(name, 0) for name in waits) - 1),
        "launches": sum(counts.get(name, 0) for name in launches),
    }


def _bare_step(model: Any, shape: str) -> Callable[[], None]:
    """Forward, backward and Adam of the same network on a batch that is ready, in float32."""
    n_pairs, n_segment_steps, _ = _SHAPES[shape]
    source, actor = model.require_source(), copy.deepcopy(model.policy.actor)
    rows = th.arange(2 * n_pairs * n_segment_steps, device=model.device) % source.n_transitions
    observations, actions = source.gather(rows)
    optimizer = th.optim.Adam(actor.parameters(), lr=3e-4, fused=True)

    def step() -> None:
        loss = -actor.log_prob(observations, actions).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def _seconds(function: Callable[[], Any], device: th.device) -> float:
    if device.type == "cuda":
        th.cuda.synchronize(device)
    started = time.perf_counter()
    function()
    if device.type == "cuda":
        th.cuda.synchronize(device)
    return time.perf_counter() - started


# --- many -------------------------------------------------------------------------------------


def many(device: str, small: bool) -> dict[str, Any]:
    """
    :param device: where to run
    :param small: two agents, a few steps
    :return: steps a second of all agents together, and of one alone, by their number; memory
    """
    rows = []
    numbers, n_steps = ([1, 2], 3) if small else ([1, 16, 64, 256, N_PAPER], 20)
    with tempfile.TemporaryDirectory() as root:
        dataset = made_up_dataset(Path(root), 40_000)
        labels = Feedback.synthetic(dataset, 500, EPISODE_LENGTH, cost_limit=100.0, seed=0)
        alone: dict[str, float] = {}
        for number in numbers:
            phases: dict[str, dict[str, Any]] = {
                "cloning": {"n_cloning_steps": 10 * n_steps},
                "alignment": {"n_cloning_steps": 0, "objective_kwargs": {"n_attain_steps": 0}},
            }
            for phase, given in phases.items():
                agents = [
                    PRESA.load_offline(
                        dataset, labels, completion=False, seed=i, device=device, **given
                    )
                    for i in range(number)
                ]
                if device == "cuda":
                    th.cuda.reset_peak_memory_stats()

                def train(agents: Any = agents) -> None:
                    if len(agents) == 1:
                        agents[0].learn(n_steps, log_interval=n_steps, reset_num_timesteps=False)
                    else:
                        learn_many(agents, n_steps, log_interval=n_steps, reset_num_timesteps=False)

                train()  # warms up
                seconds = statistics.median(
                    _seconds(train, th.device(device)) for _ in range(1 if small else 3)
                )
                rate = number * n_steps / seconds
                alone.setdefault(phase, rate)
                memory = th.cuda.max_memory_allocated() if device == "cuda" else 0
                rows.append(
                    {
                        "phase": phase,
                        "agents": number,
                        "steps_per_second": rate,
                        "times_alone": rate / alone[phase],
                        "memory_mb": memory / 2**20,
                    }
                )
                if device == "cuda":
                    del agents
                    th.cuda.empty_cache()
    return {"many": rows, "n_paper": N_PAPER}


# --- run --------------------------------------------------------------------------------------


def run(device: str, small: bool) -> dict[str, Any]:
    """
    :param device: where to train
    :param small: a few steps
    :return: seconds from ``load_offline`` to ``evaluate_policy``, and of a step of TraC
    """
    from stable_baselines3.common.evaluation import evaluate_policy

    from sb3_presa.data import example_dataset

    started = time.perf_counter()
    dataset = example_dataset()
    marks: dict[str, Any] = {"read": time.perf_counter() - started}
    model = PRESA.load_offline(dataset, seed=0, device=device)
    marks["load_offline"] = time.perf_counter() - started
    model.learn(20 if small else None)
    marks["learn"] = time.perf_counter() - started
    try:
        env = dataset.recover_environment()
        reward, _ = evaluate_policy(model, env, n_eval_episodes=1 if small else 5)
        marks["evaluate_policy"] = time.perf_counter() - started
        marks["reward"] = float(np.mean(reward))
    except Exception as error:
        marks["evaluate_policy_error"] = repr(error)
    return {"dataset": dataset.id, "seconds_until": marks, **_trac_step(device, small)}


def _trac_step(device: str, small: bool) -> dict[str, Any]:
    """A step of TraC from its formula: 96 segments of 100 steps, two layers of 256."""
    S, T, d, a = (4, 10, 60, 2) if small else (96, 100, 60, 2)
    net = th.nn.Sequential(
        th.nn.Linear(d, 256),
        th.nn.ReLU(),
        th.nn.Linear(256, 256),
        th.nn.ReLU(),
        th.nn.Linear(256, a),
    ).to(device)
    frozen = copy.deepcopy(net)
    optimizer = th.optim.Adam(net.parameters(), lr=1e-5)
    observations, actions = th.randn(S, T, d, device=device), th.rand(S, T, a, device=device)
    sign = th.ones(S, device=device)
    sign[S // 2 :] = -1.0

    def log_prob(network: th.nn.Module) -> th.Tensor:
        return -(actions - th.tanh(network(observations))).square().sum(-1)

    def step() -> None:
        with th.no_grad():
            reference = log_prob(frozen)
        r = 0.1 * (log_prob(net) - reference).sum(-1)
        loss = -th.nn.functional.logsigmoid(sign * r).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    times = [_seconds(step, th.device(device)) for _ in range(5 if small else 100)]
    return {"trac_step_ms": 1e3 * statistics.median(times[2:])}


# --- images -----------------------------------------------------------------------------------


def images(device: str, small: bool) -> dict[str, Any]:
    """
    :param device: where to train
    :param small: a few small images
    :return: a step with the images on the device, and one that copies its batch from pinned memory
    """
    n, side = (200, 36) if small else (20_000, 84)
    with tempfile.TemporaryDirectory() as root:
        dataset = _image_dataset(Path(root), n, side)
        labels = Feedback.synthetic(dataset, 100, 50, cost_limit=50.0, seed=0)
        model = PRESA.load_offline(
            dataset,
            labels,
            completion=False,
            n_cloning_steps=0,
            n_pairs=2 if small else 16,
            objective_kwargs={"n_attain_steps": 0},
            device=device,
            seed=0,
        )
        n_steps, times = (2, []) if small else (60, [])
        with model.learning(n_steps) as run_:
            for step in range(n_steps):
                run_.loop.enter(step)
                times.append(_seconds(lambda at=step: run_.loop.step(at), model.device))  # type: ignore[misc]
                model.count_step()
        source = model.require_source()
        observations = source.observations
        assert isinstance(observations, th.Tensor)
        pinned = observations.cpu()
        if device == "cuda":
            pinned = pinned.pin_memory()
        batch = 2 * model.n_pairs * model.n_segment_steps

        def copy_batch() -> None:
            rows = th.randint(len(pinned), (batch,))
            pinned[rows].to(device, non_blocking=True)

        copies = [_seconds(copy_batch, model.device) for _ in range(n_steps)]
    return {
        "step_ms": 1e3 * statistics.median(times[n_steps // 4 :]),
        "copy_of_a_batch_ms": 1e3 * statistics.median(copies),
        "images": n,
        "side": side,
        "batch": batch,
    }


def _image_dataset(root: Path, n: int, side: int) -> Any:
    random = np.random.default_rng(0)
    T = 100
    space = gym.spaces.Box(0, 255, (1, side, side), np.uint8)
    actions = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    episodes = [
        EpisodeBuffer(
            observations=random.integers(0, 256, (T + 1, *space.shape), dtype=np.uint8),
            actions=random.uniform(-1, 1, (T, 2)).astype(np.float32),
            rewards=random.normal(size=T),
            terminations=np.zeros(T, dtype=bool),
            truncations=np.arange(T) == T - 1,
            infos={"cost": np.concatenate([[0.0], random.integers(0, 2, T)])},
        )
        for _ in range(n // T)
    ]
    return write_dataset(
        "made-up/images-v0", episodes, observation_space=space, action_space=actions, root=root
    )


# --- summary ----------------------------------------------------------------------------------


def summarise(out: Path) -> None:
    """
    Writes the targets beside what was measured so far.

    :param out: folder with the results of the parts
    """
    found = {part: _read(out / f"{part}.json") for part in PARTS}
    summary: dict[str, Any] = {"parts": [part for part, values in found.items() if values]}
    rows = {(row["shape"], row["mode"]): row for row in found["steps"].get("steps", [])}
    eager, on_cpu = rows.get(("default", "float32")), rows.get(("default", "float32 on one core"))
    if eager and on_cpu:
        rate = on_cpu["step_ms"] / eager["step_ms"]
        summary["step, times one core (target 10)"] = rate
    if eager and "waits" in eager:
        summary["waits of the host in a step (target 0)"] = eager["waits"]
    compiled = rows.get(("default", "float32, compiled"))
    if eager and compiled:
        summary["compiled by eager (target .5)"] = compiled["step_ms"] / eager["step_ms"]
    largest = [row for row in found["many"].get("many", []) if row["agents"] == N_PAPER]
    if len(largest) == 2:
        n_steps = {"cloning": 700, "alignment": 400}
        seconds = sum(N_PAPER * n_steps[r["phase"]] / r["steps_per_second"] for r in largest)
        summary[
            f"hours for {N_PAPER} agents, extrapolated from {largest[0]['agents']} (target 1)"
        ] = seconds / 3600
    _write(out / "summary.json", summary)


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _write(path: Path, figures: dict[str, Any]) -> None:
    """Whole or not at all: a cut must not leave half a file."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(figures, indent=2) + "\n")
    unfinished.replace(path)


_PARTS: dict[str, Callable[[str, bool], dict[str, Any]]] = {
    "agreement": agreement,
    "steps": steps,
    "many": many,
    "run": run,
    "images": images,
}


if __name__ == "__main__":
    main()
