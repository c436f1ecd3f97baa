"""What loading a dataset costs beside the bare reading of its file, in CPU time and in memory.

A thousand episodes of a thousand steps, of 60 float32 observations and 2 actions, in several
formats. Each measurement is a process of its own, and the ways to read take turns, so that all of
them meet the same load. Memory is the most that a process held while it read, less what it held
after its imports (Linux). ``--against`` measures the sources of another commit in the same turns.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import minari
import numpy as np
from minari.data_collector import EpisodeBuffer

ROOT = Path(__file__).resolve().parent.parent
OBSERVATIONS = gym.spaces.Box(-np.inf, np.inf, (60,), np.float32)
ACTIONS = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
MEGABYTE = 1_000_000
#: who wrote the dataset, and its id
DATASETS = {
    "HDF5 of sb3_presa": "load-time/packed-v0",
    "HDF5 of Minari": "load-time/plain-v0",
    "HDF5, gzip": "load-time/gzip-v0",
    "Arrow of Minari": "load-time/arrow-v0",
}


@dataclass(frozen=True)
class Cost:
    """
    One measurement.

    :param seconds: of the process on the CPU
    :param peak_bytes: the most that it held beyond its imports
    """

    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Row:
    """
    One way to read one dataset; medians over the turns.

    :param dataset: key of ``DATASETS``
    :param way: key of ``WAYS``
    :param commit: of the sources
    :param seconds: of the process on the CPU
    :param times_h5py: of the CPU time of reading the observations with h5py alone, turn by turn;
        ``None`` where the dataset is no HDF5
    :param peak_bytes: the most memory that was held
    :param times_arrays: of the bytes of the arrays that are loaded
    """

    dataset: str
    way: str
    commit: str
    seconds: float
    times_h5py: float | None
    peak_bytes: int
    times_arrays: float


def read_observations(folder: Path) -> None:
    """
    :param folder: of an HDF5 dataset; its observations are read one episode after the other
    """
    with h5py.File(folder / "main_data.hdf5") as file:
        for name in file:
            file[f"{name}/observations"][()]


def load(folder: Path) -> None:
    """
    :param folder: of a dataset, which is loaded and checked
    """
    from sb3_presa.data.episodes import load_transitions

    load_transitions(folder)


def load_for_labels(folder: Path) -> None:
    """
    :param folder: of a dataset, which is loaded, checked and hashed, as labelling starts
    """
    from sb3_presa.data.episodes import load_transitions

    load_transitions(folder).hashes_by_id()


def read_outcomes(folder: Path) -> None:
    """
    :param folder: of a dataset, of which rewards and costs are read, as ``sb3-presa info`` starts
    """
    from sb3_presa.data.episodes import load_outcomes

    load_outcomes(folder)


WAYS: dict[str, Callable[[Path], None]] = {
    "h5py": read_observations,
    "load": load,
    "load, hash": load_for_labels,
    "outcomes": read_outcomes,
}


def measure_here(way: str, folder: Path) -> Cost:
    """
    Measures in this process, which should have done nothing else.

    :param way: key of ``WAYS``
    :param folder: of the dataset
    :return: what it costs
    """
    import pyarrow.dataset  # noqa: F401  # every way has the same imports

    import sb3_presa.data.episodes  # noqa: F401

    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again at what is held now
    before = _memory("VmHWM")
    started = time.process_time()
    WAYS[way](folder)
    return Cost(time.process_time() - started, _memory("VmHWM") - before)


def measure(way: str, folder: Path, sources: Path) -> Cost:
    """
    :param way: key of ``WAYS``
    :param folder: of the dataset
    :param sources: checkout whose package is measured
    :return: what it costs, in a process of its own
    """
    run = subprocess.run(
        [sys.executable, __file__, "--here", way, str(folder)],
        env={**os.environ, "PYTHONPATH": str(sources), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return Cost(**json.loads(run.stdout))


def make_datasets(root: Path, n_episodes: int, n_steps: int) -> None:
    """
    :param root: datasets root to write into
    :param n_episodes: number of episodes
    :param n_steps: of each
    """
    from sb3_presa.data.minari_store import write_dataset

    os.environ["MINARI_DATASETS_PATH"] = str(root)
    warnings.simplefilter("ignore", UserWarning)  # Minari asks for authors and links
    spaces: dict[str, Any] = {"observation_space": OBSERVATIONS, "action_space": ACTIONS}
    episodes = [_episode(n_steps, seed) for seed in range(n_episodes)]
    for name in ("HDF5 of sb3_presa", "HDF5, gzip"):
        write_dataset(DATASETS[name], episodes, root=root, **spaces)
    for name, data_format in (("HDF5 of Minari", "hdf5"), ("Arrow of Minari", "arrow")):
        minari.create_dataset_from_buffers(
            DATASETS[name], episodes, data_format=data_format, **spaces
        )
    _compress(root / DATASETS["HDF5, gzip"] / "data" / "main_data.hdf5")


def turns(
    root: Path, datasets: list[str], sources: dict[str, Path], n_turns: int
) -> Iterator[tuple[str, str, str, Cost]]:
    """
    :param root: datasets root
    :param datasets: keys of ``DATASETS``
    :param sources: checkout of each commit that is measured, this one first
    :param n_turns: how often each way is measured
    :return: dataset, way, commit and cost of each measurement
    """
    for turn in range(n_turns):
        for dataset in datasets:
            folder = root / DATASETS[dataset] / "data"
            runs = [(way, commit) for way in WAYS for commit in sources if way != "h5py"]
            if (folder / "main_data.hdf5").exists():
                runs.append(("h5py", next(iter(sources))))
            for way, commit in runs if turn % 2 else runs[::-1]:
                yield dataset, way, commit, measure(way, folder, sources[commit])


def summarise(found: list[tuple[str, str, str, Cost]], array_bytes: int) -> list[Row]:
    """
    :param found: the measurements
    :param array_bytes: of the arrays that are loaded
    :return: medians
    """
    costs: dict[tuple[str, str, str], list[Cost]] = {}
    for dataset, way, commit, cost in found:
        costs.setdefault((dataset, way, commit), []).append(cost)
    bare = {dataset: of for (dataset, way, _), of in costs.items() if way == "h5py"}
    rows = []
    for (dataset, way, commit), of in sorted(costs.items(), key=_place):
        ratios = [
            one.seconds / other.seconds
            for one, other in zip(of, bare.get(dataset, []), strict=False)
        ]
        peak = int(statistics.median(cost.peak_bytes for cost in of))
        rows.append(
            Row(
                dataset,
                way,
                commit,
                statistics.median(cost.seconds for cost in of),
                statistics.median(ratios) if ratios else None,
                peak,
                peak / array_bytes,
            )
        )
    return rows


def show(rows: list[Row], title: str) -> None:
    """
    :param rows: of the table
    :param title: above it
    """
    from rich.console import Console
    from rich.table import Table

    table = Table("dataset", "what is done", "commit", title=title)
    for name in ("CPU (s)", "times h5py", "peak (MB)", "times the arrays"):
        table.add_column(name, justify="right")
    for row in rows:
        ratio = "-" if row.times_h5py is None else f"{row.times_h5py:.2f}"
        peak = f"{row.peak_bytes / MEGABYTE:.0f}"
        figures = (f"{row.seconds:.2f}", ratio, peak, f"{row.times_arrays:.2f}")
        table.add_row(row.dataset, row.way, row.commit, *figures)
    Console().print(table)


def main() -> None:
    """Measures, prints a table and writes it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=1000, help="number of episodes")
    parser.add_argument("--steps", type=int, default=1000, help="steps of an episode")
    parser.add_argument("--turns", type=int, default=5, help="measurements of each way")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="of another commit")
    parser.add_argument("--json", type=Path, metavar="OUT", help="file to write the figures to")
    parser.add_argument("--here", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here is not None:
        way, folder = arguments.here
        print(json.dumps(asdict(measure_here(way, Path(folder)))))
        return
    from speed_data import write_figures  # imports torch, which no measurement should hold

    sources = {_commit(path): path for path in (ROOT, arguments.against) if path is not None}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make_datasets(root, arguments.episodes, arguments.steps)
        found = list(turns(root, arguments.datasets, sources, arguments.turns))
    n_numbers = sum(space.shape[0] for space in (OBSERVATIONS, ACTIONS))
    array_bytes = 4 * n_numbers * arguments.episodes * arguments.steps
    rows = summarise(found, array_bytes)
    size = f"{arguments.episodes:,} episodes of {arguments.steps:,} steps"
    show(rows, f"{size}, {array_bytes / MEGABYTE:.0f} MB of arrays")
    write_figures(
        arguments.json,
        episodes=arguments.episodes,
        steps=arguments.steps,
        array_bytes=array_bytes,
        h5py=h5py.__version__,
        rows=[asdict(row) for row in rows],
    )


def _episode(n_steps: int, seed: int) -> EpisodeBuffer:
    random = np.random.default_rng(seed)
    arrays: dict[str, Any] = {  # Minari declares lists, and takes arrays
        "observations": random.standard_normal((n_steps + 1, *OBSERVATIONS.shape), np.float32),
        "actions": random.uniform(-1, 1, (n_steps, *ACTIONS.shape)).astype(np.float32),
        "rewards": random.normal(size=n_steps),
        "terminations": np.zeros(n_steps, dtype=bool),
        "truncations": np.arange(n_steps) == n_steps - 1,
        "infos": {"cost": [0.0, *random.integers(0, 2, n_steps).astype(float).tolist()]},
    }
    return EpisodeBuffer(**arrays)


def _compress(path: Path) -> None:
    """Rewrite an HDF5 file with every table compressed."""
    compressed = path.with_suffix(".gzip")
    with h5py.File(path) as source, h5py.File(compressed, "w", track_order=True) as target:

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                target.create_dataset(name, data=item[()], compression="gzip", chunks=True)
            else:
                target.require_group(name).attrs.update(item.attrs)

        source.visititems(copy)
    compressed.replace(path)


def _place(measured: tuple[tuple[str, str, str], list[Cost]]) -> tuple[int, int, str]:
    (dataset, way, commit), _ = measured
    return list(DATASETS).index(dataset), list(WAYS).index(way), commit


def _memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


def _commit(path: Path) -> str:
    command = ["git", "-C", str(path), "describe", "--always", "--dirty"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
