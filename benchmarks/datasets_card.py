"""Write the table of ``datasets/README.md`` and the pictures in it, from the datasets' metadata.

``make datasets-card`` runs it. The line of a dataset that is not here stays as it was.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
from minari import MinariDataset
from minari.storage.datasets_root_dir import get_dataset_path

from sb3_presa.data.datasets import reward_reference
from sb3_presa.data.episodes import load_outcomes
from sb3_presa.envs import find_task
from sb3_presa.evaluation.figures import PALETTE, style_axes, written_figure
from sb3_presa.files import atomic_path

CARD = Path(__file__).resolve().parent.parent / "datasets" / "README.md"
HEADINGS = (
    *("dataset", "environment", "episodes", "steps", "built in", "size", "reward: quartiles"),
    *("cost: quartiles, max", "safe at", "best safe reward", "reward and cost"),
)
BEGIN, END = "<!-- made by `make datasets-card` -->", "<!-- up to here -->"


def collected(root: Path) -> list[MinariDataset]:
    """
    :param root: a Minari root
    :return: the datasets in it that were collected by a recipe
    """
    found = []
    for path in sorted(root.glob("presa/*/data/metadata.json")):
        if "collection" in json.loads(path.read_text(encoding="utf-8")):
            found.append(MinariDataset(path.parent))
    return found


def line(dataset: MinariDataset, pictures: Path) -> str:
    """
    :param dataset: a collected one
    :param pictures: folder for its scatter
    :return: its line of the table
    """
    metadata = dataset.storage.metadata
    outcomes = load_outcomes(dataset)
    costs, rewards = outcomes.episode_costs, outcomes.episode_returns
    low, high = reward_reference(dataset) or (float(rewards.min()), float(rewards.max()))
    rewards = (rewards - low) / (high - low)
    limits = _limits(dataset)
    name = str(dataset.id).partition("/")[2].rpartition("-v")[0]
    draw(rewards, costs, limits, str(dataset.id), pictures / f"{name}.png")
    safe = [costs <= limit for limit in limits]
    cells = (
        f"`{dataset.id}`",
        f"`{metadata['collection']['env_id']}`",
        f"{len(costs):,}",
        f"{len(outcomes.rewards):,}",
        _duration(metadata["collection"]),
        f"{metadata['dataset_size']:g} MB",
        ", ".join(f"{value:.2f}" for value in np.percentile(rewards, (25, 50, 75))),
        ", ".join(f"{value:.0f}" for value in np.percentile(costs, (25, 50, 75, 100))),
        " / ".join(f"{a:g}: {b.mean():.0%}" for a, b in zip(limits, safe, strict=True)),
        " / ".join(f"{rewards[share].max():.2f}" if share.any() else "none" for share in safe),
        f"[scatter]({pictures.name}/{name}.png)",
    )
    return f"| {' | '.join(cells)} |"


def _limits(dataset: MinariDataset) -> tuple[float, ...]:
    collection = dataset.storage.metadata["collection"]
    limit = collection["recipe"].get("cost_limit")
    task = find_task(collection["env_id"])
    return task.cost_limits if limit is None and task is not None else (float(limit),)


def _duration(collection: dict[str, float]) -> str:
    """The recorded time; collections before it was recorded have none."""
    if "wall_seconds" not in collection:
        return "not recorded"
    workers = collection["workers"]
    processes = "1 process" if workers == 1 else f"{workers} processes"
    return f"{collection['wall_seconds'] / 60:.1f} min, {processes}"


def draw(
    rewards: npt.NDArray[np.float64],
    costs: npt.NDArray[np.float64],
    limits: tuple[float, ...],
    title: str,
    path: Path,
) -> None:
    """
    :param rewards: of the episodes, normalised
    :param costs: of the episodes
    :param limits: cost limits, drawn as lines
    :param title: heading
    :param path: the picture
    """
    with written_figure(path, 4.4, 3.2) as figure:
        axes = figure.add_subplot()
        axes.scatter(costs, rewards, s=5, color=PALETTE[0], alpha=0.5, linewidths=0)
        for limit in limits:
            axes.axvline(limit, color=PALETTE[1], linewidth=0.8)
        style_axes(axes, title)
        axes.set_xlabel("cost of an episode")
        axes.set_ylabel("reward, normalised")


def update(card: Path, lines: list[str]) -> None:
    """
    Puts lines into the card's table; those of other datasets stay.

    :param card: a Markdown file with the two marks
    :param lines: lines of the table
    """
    before, begin, rest = card.read_text(encoding="utf-8").partition(BEGIN)
    old, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(
            f"{card} has no lines {BEGIN!r} and {END!r} for the table to stand between"
        )
    known = {_id(text): text for text in [*old.splitlines(), *lines] if _id(text)}
    head = [f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"]
    body = [BEGIN, *head, *(known[key] for key in sorted(known)), END]
    with atomic_path(card) as partial:
        partial.write_text(before + "\n".join(body) + after, encoding="utf-8")


def _id(text: str) -> str:
    match = re.match(r"\| `([^`]+-v\d+)`", text)
    return match.group(1) if match else ""


def main() -> None:
    """Describes what is in the datasets root."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=None, help="datasets root (Minari's)")
    parser.add_argument("--card", type=Path, default=CARD)
    options = parser.parse_args()
    pictures = options.card.parent / "scatter"
    datasets = collected(options.root or Path(get_dataset_path()))
    update(options.card, [line(dataset, pictures) for dataset in datasets])
    print(f"Wrote {len(datasets)} datasets into {options.card}")


if __name__ == "__main__":
    main()
