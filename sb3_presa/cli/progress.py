"""Progress where standard error is a file or a pipe: a line now and then, no bar."""

import sys
import time

import typer
from stable_baselines3.common.callbacks import BaseCallback

#: The time between two lines.
_SECONDS = 30.0


def shows_bar(quiet: bool) -> bool:
    """Whether a bar can be drawn, and is wanted.

    :param quiet: whether it is not
    """
    return not quiet and sys.stderr.isatty()


class LinesCallback(BaseCallback):
    """
    Prints how far a training is, at most twice a minute.

    :param end: the step at which it ends
    """

    def __init__(self, end: int) -> None:
        super().__init__()
        self._end = end
        self._last = time.monotonic()

    def _on_step(self) -> bool:
        now = time.monotonic()
        if now - self._last >= _SECONDS:
            self._last = now
            typer.echo(f"{self.num_timesteps:,} of {self._end:,} steps", err=True)
        return True


class SaveCallback(BaseCallback):
    """
    Saves the model every so many steps, always to the same file.

    :param path: the file
    :param every: the steps
    """

    def __init__(self, path: str, every: int) -> None:
        super().__init__()
        self._path, self._every = path, every

    def _on_step(self) -> bool:
        if self.num_timesteps % self._every == 0:
            self.model.save(self._path)
        return True
