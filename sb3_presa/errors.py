"""Exceptions that sb3_presa raises for invalid input.

Each is also the built-in exception that a caller would expect (``ValueError``,
``FileNotFoundError``, ``ImportError``), so existing ``except`` clauses keep working.
"""


class PresaError(Exception):
    """Base class of every error that sb3_presa raises on purpose."""


class DatasetError(PresaError, ValueError):
    """A dataset cannot be used: costs missing, values not finite, actions outside the space."""


class FeedbackError(PresaError, ValueError):
    """Labels cannot be used: values out of range, or made for another dataset."""


class FeedbackNotFoundError(FeedbackError, FileNotFoundError):
    """The dataset has no feedback with the requested name."""


class ConfigError(PresaError, ValueError):
    """An argument or a setting is outside its range."""


class DivergenceError(PresaError, ArithmeticError):
    """Training has destroyed the weights: they are no longer finite."""


class SimulatorNotInstalledError(PresaError, ImportError):
    """The simulator behind an environment id is not installed, or cannot be imported."""


class RenderingError(PresaError, RuntimeError):
    """Rendering is not possible on this machine."""


class SimulatorBusyError(PresaError, RuntimeError):
    """The simulator runs one world per process, and another environment holds it now."""


class StoreBusyError(FeedbackError):
    """Another program, or another thread, writes the store of answers; try again."""


class FileNotWrittenError(PresaError, OSError):
    """A file could not be written whole, as on a full disk; what was there before is unchanged."""


class WorkerError(PresaError, RuntimeError):
    """A worker process failed, ended before its work was done, or cannot be started."""


class ExportError(PresaError, RuntimeError):
    """An exported agent acts otherwise than the policy that it was made of; nothing is written."""


class StoppedError(PresaError, RuntimeError):
    """A monitor stopped an agent: a step is riskier than the logs, or farther from them."""
