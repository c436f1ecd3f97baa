"""Mutated files by kind, and ``kill -9`` by command: what is refused, misread or lost.

python benchmarks/robustness.py [--mutations 300] [--kills 40] [--seed 0] [--out FILE.json]

Each mutation is a copy of a good file with flipped bits, other bytes, a part cut off or a part put
in. A process of its own reads it, since HDF5 may end the process that reads a damaged file. It
counts as

- refused: an error that names the file, of the types in ``sb3_presa/errors.py`` or of the system;
- same: what is read is what was written;
- other values: the file was read, and says something else. A format with a checksum must not do so;
- raw error: any other exception; crash: the process ended.

A kill ends a command at a random moment, as a power cut does. Afterwards the file must be the old
one or the new one, every answer that was stored must be there, and nothing may be left behind.
"""

import argparse
import contextlib
import functools
import json
import os
import random
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer
from speed_data import write_figures
from typer.testing import CliRunner

from sb3_presa import BC, Feedback
from sb3_presa.annotation.answers.exchange import export_feedback, import_answers, import_feedback
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.benchmark.suites.suite import load_suite
from sb3_presa.cli import app
from sb3_presa.collect.action_log import ActionLog
from sb3_presa.collect.recipe import CollectRecipe
from sb3_presa.data import load_outcomes, load_transitions, resolve_dataset
from sb3_presa.data.dsrl import export_dsrl, import_dsrl
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.errors import PresaError

OUT = Path(__file__).parent / "results" / "robustness.json"
DATASET, ENV = "toy/walk-v0", "presa/SafetyBallRun-v0"
SUITE = """
tasks: {BallRun: {dataset: toy/walk-v0, cost_limits: [5, 10]}}
seeds: [0, 1]
steps: 20
algorithms:
  PRESA: {settings: {alpha: 0.07}}
  BC, safe: {class: BC, settings: {data: safe}}
"""
RECIPE = """
env_id = "presa/SafetyBallRun-v0"
n_episodes = 100
steps_per_agent = 2048
cost_weights = [0.0, 0.1, 1.0]
ppo = { n_steps = 256, learning_rate = 3e-4 }
"""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    :param path: a good file, below the folder of the run.
    :param read: reads it, and returns what it says.
    :param checksum: whether its format notices changes.
    """

    path: Path
    read: Callable[[Path], Any]
    checksum: bool


def make_files(folder: Path) -> dict[str, Kind]:
    """One good file of each kind.

    :param folder: an empty folder, the root of datasets.
    :return: the kinds by name.
    """
    dataset = _make_dataset(folder)
    data = Path(dataset.storage.data_path)
    feedback = Feedback.synthetic(dataset, 40, 5, cost_limit=5.0, seed=0)
    label = feedback.save(dataset)
    ActionLog.of(dataset).save(folder / "log.npz")
    BC.load_offline(dataset, None, seed=0, device="cpu", policy_kwargs={"net_arch": [8]}).save(
        folder / "model.zip"
    )
    export_dsrl(dataset, folder / "dsrl.hdf5")
    export_feedback(folder / "labels.csv", feedback)
    (folder / "suite.yaml").write_text(SUITE)
    (folder / "recipe.toml").write_text(RECIPE)
    answers = folder / "answers.csv"
    answers.write_text(_answers("A"))
    with contextlib.closing(AnswerStore(folder / "a.annotations.sqlite", dataset.id)) as store:
        store.record_episodes(load_transitions(dataset).hashes_by_id())
        store.add_all(import_answers(answers, dataset))
    return {
        "model": Kind(folder / "model.zip", _read_model, True),
        "action log": Kind(folder / "log.npz", _read_log, True),
        "feedback": Kind(label, functools.partial(_read_feedback, dataset), True),
        "dataset": Kind(data / "main_data.hdf5", _read_dataset, False),
        "metadata": Kind(data / "metadata.json", _read_dataset, False),
        "DSRL file": Kind(folder / "dsrl.hdf5", functools.partial(_read_dsrl, folder), False),
        "answers, SQLite": Kind(folder / "a.annotations.sqlite", _read_answers, False),
        "answers, CSV": Kind(answers, functools.partial(import_answers, dataset=dataset), False),
        "feedback, CSV": Kind(folder / "labels.csv", functools.partial(_read_csv, dataset), False),
        "suite": Kind(folder / "suite.yaml", _read_suite, False),
        "recipe": Kind(folder / "recipe.toml", CollectRecipe.from_toml, False),
    }


def _make_dataset(root: Path) -> MinariDataset:
    rng = np.random.default_rng(0)
    episodes = [
        EpisodeBuffer(
            seed=index,
            observations=rng.normal(size=(21, 7)).astype(np.float32),
            actions=rng.uniform(-1, 1, (20, 2)).astype(np.float32),
            rewards=rng.normal(size=20),
            terminations=np.zeros(20, dtype=bool),
            truncations=np.arange(20) == 19,
            infos={"cost": np.concatenate([[0.0], rng.integers(0, 2, 20)])},
        )
        for index in range(20)
    ]
    return write_dataset(
        DATASET,
        episodes,
        observation_space=gym.spaces.Box(-np.inf, np.inf, (7,), np.float32),
        action_space=gym.spaces.Box(-1.0, 1.0, (2,), np.float32),
        env_spec=ENV,
        overwrite=True,
        root=root,
    )


def _answers(annotator: str) -> str:
    columns = "annotator,first_episode,first_start,first_length,p_safe_first"
    rows = (f"{annotator},{n % 20},{n // 20},5,{n % 2}" for n in range(60))
    return "\n".join([columns, *rows]) + "\n"


# --- readers: what a file says, in a form that can be compared ---------------------------------


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [value.dtype.str, value.shape, value.tobytes()]
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return value


def _read_model(path: Path) -> Any:
    model = BC.load(path, device="cpu")
    tensors = {name: value.numpy() for name, value in model.policy.state_dict().items()}
    return _plain(tensors), model.seed, model.num_timesteps, model.observation_space


def _read_log(path: Path) -> Any:
    log = ActionLog.load(path)
    return _plain(vars(log) | {"hashes": [bytes(one) for one in log.hashes]})


def _read_feedback(dataset: MinariDataset, path: Path) -> Any:
    found = Feedback.load(dataset, path.name.removesuffix(".hdf5"))
    return [_plain(getattr(found, n)) for n in ("segments", "p_safe", "comparisons", "preferences")]


def _read_csv(dataset: MinariDataset, path: Path) -> Any:
    found = import_feedback(path, dataset)
    return [_plain(getattr(found, n)) for n in ("segments", "p_safe", "comparisons", "preferences")]


def _read_dataset(path: Path) -> Any:
    dataset = resolve_dataset(path.parent)
    transitions, outcomes = load_transitions(dataset), load_outcomes(dataset)
    arrays = (transitions.observations, transitions.actions, outcomes.rewards, outcomes.costs)
    return [_plain(array) for array in arrays]


def _read_dsrl(folder: Path, path: Path) -> Any:
    root = Path(tempfile.mkdtemp(dir=folder))
    try:
        made = import_dsrl(path, "toy/read-v0", root=root)
        transitions = load_transitions(getattr(made, "dataset", made))
        return _plain(transitions.observations), _plain(transitions.actions)
    finally:
        shutil.rmtree(root)


def _read_answers(path: Path) -> Any:
    with contextlib.closing(AnswerStore(path, read_only=True)) as store:
        return store.answers()


def _read_suite(path: Path) -> Any:
    suite = load_suite(path)
    suite.check_algorithms()
    return [cell.as_dict() for cell in suite.cells]


# --- mutations ---------------------------------------------------------------------------------


def mutate(content: bytes, rng: random.Random) -> bytes:
    """A copy with one of five kinds of damage.

    :param content: a good file.
    :param rng: decides on the damage.
    """
    changed = bytearray(content)
    place = rng.randrange(len(content))
    kind = rng.choice(("bit", "bit", "bits", "bytes", "cut", "insert"))
    if kind in ("bit", "bits"):
        for _ in range(1 if kind == "bit" else 8):
            changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif kind == "bytes":
        length = rng.randint(1, 16)
        changed[place : place + length] = rng.randbytes(length)[: len(content) - place]
    elif kind == "cut":
        del changed[place:]
    else:
        changed[place:place] = rng.randbytes(rng.randint(1, 8))
    return bytes(changed)


def _verdict(kind: Kind, expected: Any) -> tuple[str, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = kind.read(kind.path)
    except (PresaError, OSError):
        return "refused", ""
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return "raw error", f"{type(error).__name__}: {str(error)[:80]} ({Path(where[0]).name})"
    return ("same" if found == expected else "other values"), ""


def try_kind(kind: Kind, mutations: int, seed: int) -> tuple[Counter[str], Counter[str]]:
    """Read mutated files in processes of their own.

    :param kind: the kind of file.
    :param mutations: how many.
    :param seed: decides on the damage of all of them.
    :return: how often each verdict was given, and the raw errors.
    """
    content, expected = kind.path.read_bytes(), kind.read(kind.path)
    verdicts: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    done = 0
    while done < mutations:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            with os.fdopen(writer, "w") as pipe, open(os.devnull, "w") as quiet:
                os.dup2(quiet.fileno(), 2)
                for number in range(done, mutations):
                    kind.path.write_bytes(mutate(content, random.Random(f"{seed} {number}")))
                    print(json.dumps(_verdict(kind, expected)), file=pipe, flush=True)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            for line in pipe:
                verdict, error = json.loads(line)
                verdicts[verdict] += 1
                errors[error] += bool(error)
                done += 1
        _, status = os.waitpid(child, 0)
        if status:
            verdicts["crash"] += 1
            done += 1
    kind.path.write_bytes(content)
    return verdicts, +errors


# --- kill -9 -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """A command that replaces a file.

    :param arguments: of ``sb3-presa``.
    :param read: reads what it makes; raises if that is damaged.
    :param loses: whether what was there before is missing in what is read now.
    """

    arguments: list[str]
    read: Callable[[], Any]
    loses: Callable[[Any, Any], bool] = lambda before, after: False


def commands(folder: Path) -> dict[str, Command]:
    """Commands that replace files, by name.

    :param folder: from :func:`make_files`.
    """
    dataset = resolve_dataset(DATASET)
    model, log, dsrl = folder / "model.zip", folder / "log.npz", folder / "dsrl.hdf5"
    more = folder / "more.csv"
    more.write_text(_answers("B"))
    labels = ["labels", DATASET, "--feedback", "team"]
    CliRunner().invoke(app, [*labels, "--import", str(folder / "answers.csv")])
    CliRunner().invoke(app, [*labels, "--merge", "majority"])

    def team() -> list[str]:
        path = Path(dataset.storage.data_path) / "feedback" / "team.annotations.sqlite"
        with contextlib.closing(AnswerStore(path)) as store:
            return [one.annotator for one in store.answers()]

    short = ["--steps", "20", "--quiet", "--set", "policy_kwargs={'net_arch': [8]}"]
    return {
        "label": Command(
            ["label", DATASET, "--cost-limit", "5", "--comparisons", "400"],
            lambda: Feedback.load(dataset),
        ),
        "train": Command(
            ["train", DATASET, "--algorithm", "BC", "--out", str(model), *short],
            lambda: BC.load(model, device="cpu"),
        ),
        "log-actions": Command(["log-actions", DATASET, str(log)], lambda: ActionLog.load(log)),
        "export-dsrl": Command(
            ["export-dsrl", DATASET, str(dsrl), "--overwrite"], lambda: _read_dsrl(folder, dsrl)
        ),
        "import-dsrl": Command(
            ["import-dsrl", str(dsrl), "--id", "toy/dsrl-v0", "--overwrite"],
            lambda: load_transitions("toy/dsrl-v0"),
        ),
        "labels --import": Command(
            [*labels, "--import", str(more)],
            team,
            lambda before, after: after[: len(before)] != before or len(after) not in (60, 120),
        ),
        "labels --merge": Command(
            [*labels, "--merge", "majority"], lambda: Feedback.load(dataset, "team")
        ),
        "labels --export": Command(
            [*labels, "--export", str(folder / "out.csv")],
            lambda: import_answers(folder / "out.csv", dataset),
        ),
    }


def kill(command: Command, kills: int, rng: random.Random) -> Counter[str]:
    """Kill a command at random moments of its run.

    :param command: the command.
    :param kills: how often.
    :param rng: decides on the moments.
    :return: how often it was killed, had ended before, and lost something.
    """
    counts: Counter[str] = Counter()
    began = time.perf_counter()
    _run(command, None)  # also makes the file that the others replace
    longest = time.perf_counter() - began
    before = command.read()
    for _ in range(kills):
        status = _run(command, rng.uniform(0.0, longest))
        counts["killed" if os.WIFSIGNALED(status) else "ended before"] += 1
        try:
            after = command.read()
        except Exception as error:
            counts["losses"] += 1
            counts[f"{type(error).__name__}: {error}"[:100]] += 1
            _run(command, None)
        else:
            counts["losses"] += command.loses(before, after)
            before = after
    counts["losses"] += 0
    return counts


def _run(command: Command, after_seconds: float | None) -> int:
    child = os.fork()
    if child == 0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = CliRunner().invoke(app, command.arguments)
        os._exit(result.exit_code)
    if after_seconds is not None:
        time.sleep(after_seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def main() -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mutations", type=int, default=300, help="of each kind of file")
    parser.add_argument("--kills", type=int, default=40, help="of each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    figures: dict[str, Any] = {"seed": options.seed, "files": {}, "kills": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["MINARI_DATASETS_PATH"] = name
        for kind, what in make_files(folder).items():
            verdicts, errors = try_kind(what, options.mutations, options.seed)
            found = {"checksum": what.checksum, **dict(sorted(verdicts.items()))}
            figures["files"][kind] = found | ({"raw errors": dict(errors)} if errors else {})
            print(f"{kind}: {figures['files'][kind]}", flush=True)
        for command, how in commands(folder).items():
            counts = kill(how, options.kills, random.Random(f"{options.seed} {command}"))
            figures["kills"][command] = dict(sorted(counts.items()))
            print(f"{command}: {figures['kills'][command]}", flush=True)
        figures["left behind"] = sorted(path.name for path in folder.rglob(".*.tmp"))
    write_figures(options.out, **figures)


if __name__ == "__main__":
    main()
