"""The dataset that comes with the package."""

from pathlib import Path

from minari import MinariDataset

from sb3_presa.errors import DatasetError

EXAMPLE_DATASET_ID = "presa/ball-run-v0"
"""About 1,000 episodes of BallRun; ``datasets/README.md`` says how they were made."""


def example_dataset() -> MinariDataset:
    """The BallRun dataset that comes with the package, with its feedback.

    :return: The dataset, read in place: from the installed package, or from ``datasets/`` of a
        source checkout. Nothing is copied or downloaded.
    :raises DatasetError: If it is in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    places = [
        root / EXAMPLE_DATASET_ID for root in (package / "_datasets", package.parent / "datasets")
    ]
    for place in places:
        if (place / "data" / "metadata.json").is_file():
            return MinariDataset(place / "data")
    raise DatasetError(
        f"the dataset {EXAMPLE_DATASET_ID!r} is in neither of {[str(place) for place in places]}; "
        "reinstall sb3_presa, or rebuild it in a source checkout with `make dataset-ball-run`"
    )
