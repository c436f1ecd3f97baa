"""Checks of what cells need, without reading an episode."""

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.errors import ConfigError, PresaError

if TYPE_CHECKING:
    from minari import MinariDataset


def problems(cells: Iterable[Cell]) -> list[str]:
    """
    :param cells: cells that are to run
    :return: why some of them would fail: a missing dataset, environment or feedback. Each once,
        with its first task
    """
    different = {(cell.dataset, cell.env, cell.labels.feedback, cell.task): cell for cell in cells}
    found: dict[str, str] = {}
    for cell in different.values():
        try:
            check_inputs(cell)
        except PresaError as error:
            found.setdefault(str(error), cell.task)
    return [f"{task} cannot run: {error}" for error, task in found.items()]


def check_inputs(cell: Cell) -> None:
    """
    :param cell: a cell
    :raises PresaError: if its dataset, environment or feedback is missing
    """
    from sb3_presa.data.datasets import resolve_dataset
    from sb3_presa.feedback.file import require_feedback_path

    dataset = resolve_dataset(cell.dataset)
    check_env(dataset, cell)
    if cell.labels.feedback is not None:
        require_feedback_path(dataset, cell.labels.feedback)


def check_env(dataset: "MinariDataset", cell: Cell) -> None:
    """
    :param dataset: the cell's dataset
    :param cell: a cell
    :raises ConfigError: if the environment of its evaluation is not known; it is not made
    :raises DatasetError: if the dataset names it, and it may not be made
    """
    import gymnasium as gym

    from sb3_presa.data.datasets import names_environment
    from sb3_presa.data.environments import recorded_spec
    from sb3_presa.envs.recorded import require_registered

    if cell.env is None:
        if not names_environment(dataset):
            raise ConfigError(
                f"tasks.{cell.task}.env must be given, since dataset {cell.dataset} does not name "
                "its environment"
            )
        spec = recorded_spec(dataset, eval_env=True)
        assert spec is not None
        require_registered(spec, cell.trust, f"dataset '{dataset.id}': its")
        return
    module, _, name = cell.env.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
        gym.spec(name)
    except Exception as error:  # a module may raise anything
        raise ConfigError(
            f"tasks.{cell.task}.env must be the id of an environment (module:Id-v0 if your own "
            f"module registers it), got {cell.env!r}: {error}"
        ) from error
