"""The Ray backend, for this machine or a cluster."""

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
    Submits cells to Ray, which schedules them.

    If a node dies, only the attempts that ran on it are lost: rows are sent to this process as soon
    as they are done.

    :param address: address of a cluster, such as ``10.0.0.1:6379`` or ``auto``; ``None`` starts one
        here, which :meth:`close` stops
    :param cpus: processors of a cluster that is started here
    :param function: the function that runs a cell, ``package.module:function``
    :raises ConfigError: if Ray is not installed, or the cluster cannot be reached
    """

    def __init__(
        self, address: str | None = None, cpus: float | None = None, function: str = RUN_CELL
    ) -> None:
        # Without usage statistics, unless the user enables them
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # Keep GPUs visible to tasks without GPUs, the current default, about which Ray warns
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ModuleNotFoundError as error:
            raise ConfigError(
                "the backend 'ray' needs Ray; install the extra 'ray' (in a checkout: "
                'pip install ".[ray]")'
            ) from error
        self._ray: Any = ray
        _check_reachable(address)
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address is None:
            options |= {"num_cpus": int(cpus or os.cpu_count() or 1), "include_dashboard": False}
        try:
            ray.init(address=address or "local", **options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"--address must be a reachable Ray cluster, got {address}: {error}"
            ) from error
        self._function = function
        self._environment = tuple(worker_environment().items())
        # The engine itself retries, counts and reports
        self._remote = ray.remote(max_retries=0)(_run_remote)
        self._cells: dict[Any, Cell] = {}

    @property
    def running(self) -> int:
        """:return: number of cells that fit into the cluster; Ray does not report which ones run"""
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
        :param cell: a cell to run on any node with free resources
        """
        remote = self._remote.options(num_cpus=cell.cpus, num_gpus=cell.gpus)
        reference = remote.remote(cell.as_dict(), self._function, self._environment)
        self._cells[reference] = cell

    def outcomes(self) -> Iterator[Outcome | None]:
        """
        :return: attempts as they end; ``None`` about once per second while none ends
        """
        while self._cells:
            ready, _ = self._ray.wait(list(self._cells), timeout=_TICK_SECONDS)
            for reference in ready:
                yield self._collect(reference, self._cells.pop(reference))
            if not ready:
                yield None

    def close(self) -> None:
        """Disconnects from the cluster, which stops all cells of this process."""
        self._ray.shutdown()

    def _collect(self, reference: Any, cell: Cell) -> Outcome:
        try:
            return Outcome(cell, **self._ray.get(reference))
        except self._ray.exceptions.RayError as error:  # a worker or a node that died
            return Outcome(cell, error=" ".join(str(error).split()), lost=True)


def _check_reachable(address: str | None) -> None:
    """Check an address at once; Ray would wait for a quarter of an hour."""
    if address in (None, "auto", "local"):
        return
    assert address is not None
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"--address must be HOST:PORT, ray://HOST:PORT or auto, got {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"--address must be a reachable Ray cluster, got {address}: {error}"
        ) from error


def _run_remote(
    values: dict[str, Any], function: str, environment: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """Run a cell on its node; its errors are returned, so that Ray does not handle them."""
    prepare_process(environment)
    return try_cell(function, Cell.from_dict(values))
