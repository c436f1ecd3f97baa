"""The dataset that comes with the package."""

from pathlib import Path

from minari import MinariDataset

from sb3_presa.errors import DatasetError

EXAMPLE_DATASET_ID = "presa/point-circle1-small-v0"
"""118 drives of SafetyGym's PointCircle1; ``datasets/README.md`` says how they were made."""


def example_dataset() -> MinariDataset:
    """The dataset that comes with the package, with its feedback.

    A point drives along a circle between two walls. A quarter of its drives cross the walls for at
    most 20 steps of 500, which the labels call safe.

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
        "reinstall sb3_presa, or rebuild it in a source checkout with `make example-dataset`"
    )
