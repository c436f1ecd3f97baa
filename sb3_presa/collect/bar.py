"""The progress bar of collections and replays."""

import sys

from tqdm import tqdm


def step_bar(total: int, shown: bool) -> tqdm:
    """
    :param total: The number of steps.
    :param shown: Whether it is to be shown at all.
    :return: A bar; where standard error is a file or a pipe it is drawn now and then only.
    """
    seconds = 0.1 if sys.stderr.isatty() else 30.0
    return tqdm(total=total, unit="step", disable=not shown, mininterval=seconds, maxinterval=60.0)
