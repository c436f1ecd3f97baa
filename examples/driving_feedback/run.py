"""From recorded driving to an agent that learned from what raters said at the labelling page.

Labels come from two scripted raters who answer at ``sb3-presa annotate`` in a browser, and are
sometimes wrong; PRESA and others learn from them, and drive. See README.md beside this file.

Whatever was interrupted goes on where it was: labels, agents and evaluations are kept.
"""

import argparse
import csv
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch as th
from agents import METHODS, Row, of_the_data, train_and_drive
from at_the_page import label
from minari import MinariDataset
from rater import RATERS

from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.consensus.merge import merge_answers
from sb3_presa.annotation.consensus.report import report_labels
from sb3_presa.collect.collection import collect
from sb3_presa.data import resolve_dataset
from sb3_presa.errors import DatasetError
from sb3_presa.evaluation.figures import (
    FAINT,
    INK,
    MARKERS,
    PALETTE,
    add_legend,
    marker_size,
    style_axes,
    written_figure,
)
from sb3_presa.feedback import Feedback
from sb3_presa.feedback.file import answers_path
from sb3_presa.files import atomic_path

DATASET = "presa/highway-safe-v0"
RECIPE = Path(__file__).parents[2] / "datasets" / "recipes" / "highway-safe.toml"


def main() -> None:
    """Data, labels, agents, a table and a picture."""
    options = parse_options()
    th.set_num_threads(1)  # networks of this size are faster on one thread than on several
    dataset = find_or_collect(options.dataset)
    label(
        dataset,
        options.feedback,
        options.out,
        RATERS,
        pairs=options.pairs,
        segment_length=options.segment_length,
        pace=options.pace,
    )
    feedback = merge(dataset, options.feedback)
    describe_labels(dataset, options.feedback, feedback, options.out)
    rows = [of_the_data(dataset)]
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for method in METHODS:
            row = train_and_drive(
                method,
                seed,
                dataset,
                feedback,
                options.out / "agents",
                episodes=options.episodes,
                steps=options.steps,
            )
            print(f"{row.method}, seed {seed}: {row.no_crash:.0%} without a crash", flush=True)
            rows.append(row)
    write_rows(options.out / "agents.csv", rows)
    write_table(options.out / "table.md", rows)
    draw(options.out / "driving.png", rows)
    print((options.out / "table.md").read_text())


def find_or_collect(dataset_id: str) -> MinariDataset:
    """:return: the dataset; the example's own is collected if it is not there."""
    try:
        return resolve_dataset(dataset_id)
    except DatasetError:
        if dataset_id != DATASET:
            raise
    print(f"Collecting {DATASET}, which takes a quarter of an hour on two free cores")
    return collect(recipe=RECIPE)


def merge(dataset: MinariDataset, name: str) -> Feedback:
    """:return: what agents learn from, made of the answers by a model of each rater's errors."""
    with closing(AnswerStore(answers_path(dataset, name))) as store:
        feedback = merge_answers(store, dataset, "noise-model")
    feedback.save(dataset, name)
    return feedback


def describe_labels(dataset: MinariDataset, name: str, feedback: Feedback, folder: Path) -> None:
    """Write and print what came out of labelling: ``labels.txt``."""
    with closing(AnswerStore(answers_path(dataset, name))) as store:
        report = report_labels(store.answers())
    waits_path = folder / "waits.csv"  # people leave none
    rows = waits_path.read_text().splitlines() if waits_path.exists() else []
    waits = [float(seconds) for _, seconds in csv.reader(rows)]
    errors = feedback.provenance["noise_model"]
    lines = [str(feedback), f"ties {report.ties:.0%}, unsafe {report.unsafe:.0%}"]
    for who in report.annotators:
        right = [errors[kind]["accuracy"][who.annotator] for kind in ("preference", "safety")]
        lines.append(
            f"{who.annotator}: {who.answers} answers, {who.median_seconds:.1f} s each; the noise "
            f"model takes {right[0]:.0%} of the preferences and {right[1]:.0%} of the safety "
            "labels for right"
        )
    for kind, found in (("preferences", report.preferences), ("safety", report.safety)):
        lines.append(
            f"{kind}: {found.shared} judged by both, who agree on {found.agreement or 0:.0%}"
        )
    if waits:
        median, late = np.percentile(waits, [50, 95])
        lines.append(
            f"from an answer to the next pair: median {median:.2f} s, 95th percentile {late:.2f} s"
        )
    text = "\n".join(lines) + "\n"
    with atomic_path(folder / "labels.txt") as temporary:
        temporary.write_text(text)
    print(text, flush=True)


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write a line an agent."""
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(rows[0])))
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write a line a method: means over the seeds, and their standard deviation."""
    lines = [
        "| | episodes without a crash | metres an episode | cost of an episode | CPU minutes |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(row.method for row in rows):
        of = [row for row in rows if row.method == name]
        shares, metres, costs, minutes = (
            np.array([getattr(row, column) for row in of])
            for column in ("no_crash", "distance", "cost", "cpu_minutes")
        )
        cells = [
            f"{shares.mean():.0%} ± {100 * shares.std():.0f}",
            f"{metres.mean():.0f} ± {metres.std():.0f}",
            f"{costs.mean():.1f} ± {costs.std():.1f}",
            f"{minutes.mean():.1f}",
        ]
        if len(of) == 1:
            cells = [cell.partition(" ±")[0] for cell in cells]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Draw how far and how often safely: a small dot an agent, a large one a method."""
    with written_figure(path, width=6.4, height=4.4) as figure:
        axes = figure.add_subplot()
        style_axes(axes, "Driving after a few hundred labels")
        axes.set_xlabel("Episodes without a crash, %", color=INK)
        axes.set_ylabel("Metres driven in an episode", color=INK)
        data, *agents = rows
        axes.plot(100 * data.no_crash, data.distance, "x", color=FAINT, label=data.method)
        names = dict.fromkeys(row.method for row in agents)
        for name, color, marker in zip(names, PALETTE, MARKERS, strict=False):
            of = [(100 * row.no_crash, row.distance) for row in agents if row.method == name]
            x, y = np.array(of).T
            axes.scatter(
                x, y, s=marker_size(marker, 22), color=color, marker=marker, alpha=0.5, linewidth=0
            )
            center = (x.mean(), y.mean())
            axes.scatter(
                *center,
                s=marker_size(marker, 110),
                color=color,
                marker=marker,
                edgecolor="white",
                label=name,
            )
        axes.set_xlim(-4, 104)
        add_legend(axes, loc="best", framealpha=0.8, edgecolor="none")


def parse_options() -> argparse.Namespace:
    """:return: the options; none are needed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--dataset", default=DATASET, help=f"of presa/HighwaySafe-v0 ({DATASET})")
    add("--feedback", default="scripted-raters", help="name of the labels (scripted-raters)")
    add(
        "--pairs", type=int, default=100, help="pairs that each rater is asked; 0 asks nobody (100)"
    )
    add("--segment-length", type=int, default=50, help="steps of a clip, five a second (50)")
    add("--pace", type=float, default=2.0, help="seconds that a rater takes for a pair (2)")
    add("--steps", type=int, help="gradient steps of each agent (default: the method's own)")
    add("--seeds", type=int, default=3, help="agents of each method (3)")
    add("--first-seed", type=int, default=0, help="seed of the first (0)")
    add("--episodes", type=int, default=40, help="episodes that each agent drives (40)")
    add("--out", type=Path, default=Path("driving_feedback"), help="folder to write to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
