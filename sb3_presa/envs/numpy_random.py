"""NumPy's global generator, from which some simulators draw, held while they do."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def numpy_random_restored(seed: int | None = None) -> Iterator[None]:
    """Put back what NumPy's global generator held before.

    :param seed: What it is seeded with meanwhile, in [0, 2**32); ``None`` leaves it as it is.
    """
    state = np.random.get_state()  # noqa: NPY002 - this is the generator that upstream uses
    if seed is not None:
        np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
