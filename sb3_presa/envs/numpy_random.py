"""Isolates NumPy's global generator while a simulator draws from it."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def numpy_random_restored(seed: int | None = None) -> Iterator[None]:
    """Restore the state of NumPy's global generator after the block.

    :param seed: Seed of the generator within the block, in [0, 2**32); ``None`` does not reseed.
    """
    state = np.random.get_state()  # noqa: NPY002 - this is the generator that upstream uses
    if seed is not None:
        np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
