"""The backend that scales out: Ray, on this machine or on a cluster."""

import os
import socket
from collections.abc import Iterator
from typing import Any

from sb3_presa.benchmark.engine.run import (
    RUN_CELL,
    Outcome,
    prepare_process,
    try_cell,
    worker_environment,
)
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.errors import ConfigError

_TICK_SECONDS = 1.0


class RayBackend:
    """
    Hands cells to Ray, which finds room for them.

    A node that dies costs the cells that ran on it a try, and no more: their rows come back to
    this process as soon as they are done.

    :param address: a cluster's, like ``10.0.0.1:6379`` or ``auto``; ``None`` starts one here, which
        :meth:`close` ends
    :param cpus: processors of the one that is started here
    :param function: what runs a cell, ``package.module:function``
    :raises ConfigError: if Ray is not installed, or the cluster cannot be reached
    """

    def __init__(
        self, address: str | None = None, cpus: float | None = None, function: str = RUN_CELL
    ) -> None:
        # Nobody is told of what runs here, unless the user wants it
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # GPUs of a task that asks for none are not its own to see; Ray's default from 2.x on warns
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ModuleNotFoundError as error:
            raise ConfigError(
                "this backend needs Ray, which the extra 'ray' brings; in a checkout: "
                'pip install ".[ray]"'
            ) from error
        self._ray: Any = ray
        _check_reachable(address)
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address is None:
            options |= {"num_cpus": int(cpus or os.cpu_count() or 1), "include_dashboard": False}
        try:
            ray.init(address=address or "local", **options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(f"--address {address}: no Ray cluster there: {error}") from error
        self._function = function
        self._environment = tuple(worker_environment().items())
        # Retries are the engine's, which counts and reports them
        self._remote = ray.remote(max_retries=0)(_run_remote)
        self._cells: dict[Any, Cell] = {}

    @property
    def running(self) -> int:
        """:return: cells for which the cluster has room now; Ray does not tell which run"""
        cpus = self._ray.cluster_resources().get("CPU", 0.0)
        count = 0
        for cell in self._cells.values():
            cpus -= cell.cpus
            if cpus < 0:
                break
            count += 1
        return count

    def submit(self, cell: Cell) -> None:
        """
        :param cell: a cell to run when there is room, on whatever node
        """
        remote = self._remote.options(num_cpus=cell.cpus, num_gpus=cell.gpus)
        reference = remote.remote(cell.as_dict(), self._function, self._environment)
        self._cells[reference] = cell

    def outcomes(self) -> Iterator[Outcome | None]:
        """
        :return: tries as they end, ``None`` now and then
        """
        while self._cells:
            ready, _ = self._ray.wait(list(self._cells), timeout=_TICK_SECONDS)
            for reference in ready:
                yield self._collect(reference, self._cells.pop(reference))
            if not ready:
                yield None

    def close(self) -> None:
        """Leaves the cluster, which ends what this process had it do."""
        self._ray.shutdown()

    def _collect(self, reference: Any, cell: Cell) -> Outcome:
        try:
            return Outcome(cell, **self._ray.get(reference))
        except self._ray.exceptions.RayError as error:  # a worker or a node that died
            return Outcome(cell, error=" ".join(str(error).split()), lost=True)


def _check_reachable(address: str | None) -> None:
    """Says at once what Ray would find out in a quarter of an hour."""
    if address in (None, "auto", "local"):
        return
    assert address is not None
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"--address is {address!r}; allowed: HOST:PORT, ray://HOST:PORT, auto")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--address {address}: no Ray cluster there: {error}") from error


def _run_remote(
    values: dict[str, Any], function: str, environment: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """A cell on its node; what it raises is told and not raised, so that it is not a worker's."""
    prepare_process(environment)
    return try_cell(function, Cell.from_dict(values))
