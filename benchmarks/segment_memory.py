"""What a million labelled segments cost in memory: a segment is an index, not a copy of its steps.

Prints the bytes of the tensors that a model's buffer gains, and how much the process grew.
"""

import argparse
import gc
import tempfile
from pathlib import Path

import numpy as np
import torch as th
from minari import MinariDataset
from rich.console import Console
from rich.table import Table
from speed_data import EPISODE_LENGTH, made_up_dataset, write_figures

from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.offline_data import OfflineData
from sb3_presa.learning.source import BatchSource, make_source

SEGMENT_LENGTH = 64
MEGABYTE = 1_000_000


def resident_bytes() -> int:
    """
    :return: memory that this process has now (Linux)
    """
    gc.collect()
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(fields["VmRSS"].split()[0])


def random_feedback(dataset: MinariDataset, n_segments: int) -> Feedback:
    """
    :param dataset: what the labels are on
    :param n_segments: how many, compared two by two, each with a safety label
    :return: the labels
    """
    random = np.random.default_rng(0)
    episodes = random.integers(0, dataset.total_episodes, n_segments)
    starts = random.integers(0, EPISODE_LENGTH - SEGMENT_LENGTH + 1, n_segments)
    segments = np.stack([episodes, starts, np.full(n_segments, SEGMENT_LENGTH)], axis=1)
    return Feedback.create(
        dataset,
        segments,
        p_safe=random.integers(0, 2, n_segments).astype(np.float32),
        comparisons=np.arange(n_segments).reshape(-1, 2),
    )


def on_device(transitions: Transitions, feedback: Feedback) -> BatchSource:
    """:return: the data as an algorithm trains from them"""
    data = OfflineData.of(transitions, feedback)
    return make_source(data, th.device("cpu"), lambda actions: actions)


def tensor_bytes(source: BatchSource) -> int:
    """
    :param source: the data on the device
    :return: bytes of everything that it holds of segments
    """
    tensors = [value for value in vars(source.training).values() if isinstance(value, th.Tensor)]
    return sum(tensor.nbytes for tensor in tensors)


def main() -> None:
    """Measures, prints a table and writes it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--transitions", type=int, default=100_000)
    parser.add_argument("--json", type=Path, metavar="OUT", help="file to write the figures to")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        dataset = made_up_dataset(Path(root), arguments.transitions)
        transitions = load_transitions(dataset)
        few = random_feedback(dataset, 2)
        on_device(transitions, few)
        before = resident_bytes()
        feedback = random_feedback(dataset, arguments.segments)
        labelled = resident_bytes()
        source = on_device(transitions, feedback)
        ready = resident_bytes()
    rows = {
        "the feedback, process growth": labelled - before,
        "the source, process growth": ready - labelled,
        "the source, tensors of segments": tensor_bytes(source),
        "both, process growth": ready - before,
    }
    title = (
        f"{arguments.segments:,} segments of {SEGMENT_LENGTH} steps "
        f"on {source.n_transitions:,} transitions"
    )
    table = Table("what", title=title)
    table.add_column("MB", justify="right")
    for name, size in rows.items():
        table.add_row(name, f"{size / MEGABYTE:.1f}")
    Console().print(table)
    write_figures(arguments.json, bytes=rows)


if __name__ == "__main__":
    main()
