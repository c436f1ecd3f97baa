"""Exceptions that sb3_presa raises for input that it refuses.

Each is also the built-in exception that a caller would expect (``ValueError``,
``FileNotFoundError``, ``ImportError``), so existing ``except`` clauses keep working.
"""


class PresaError(Exception):
    """Base class of every error that sb3_presa raises on purpose."""


class DatasetError(PresaError, ValueError):
    """A dataset that cannot be used: no costs, not finite, actions outside the space."""


class FeedbackError(PresaError, ValueError):
    """Labels that cannot be used: out of range, out of their set, or of another dataset."""


class FeedbackNotFoundError(FeedbackError, FileNotFoundError):
    """A dataset has no feedback of the name that was asked for."""


class ConfigError(PresaError, ValueError):
    """An argument or a setting out of its range."""


class SimulatorNotInstalledError(PresaError, ImportError):
    """The simulator behind an environment id is not installed, or cannot be imported."""


class RenderingError(PresaError, RuntimeError):
    """A picture was asked for, and there is no way to draw one on this machine."""


class SimulatorBusyError(PresaError, RuntimeError):
    """A simulator that runs one world a process runs that of another environment now."""
