"""Shared cloning: agents with the same dataset and seed start from the same clone."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import torch as th
from stable_baselines3.common.callbacks import BaseCallback

from sb3_presa.learning.offline_algorithm import OfflineAlgorithm
from sb3_presa.learning.phases import Clone, Phase

#: Clones that a process keeps; cells of one dataset and seed follow each other.
_MOST_CLONES = 8


class Seconds(NamedTuple):
    """Time that something took."""

    wall: float = 0.0
    cpu: float = 0.0

    @classmethod
    def now(cls) -> "Seconds":
        """:return: readings of the clocks"""
        return cls(time.perf_counter(), time.process_time())

    def since(self, start: "Seconds") -> "Seconds":
        """
        :param start: earlier readings
        :return: the time from then to these
        """
        return Seconds(self.wall - start.wall, self.cpu - start.cpu)


class SharedClones:
    """
    Trains agents, and keeps what their cloning gave for the next ones that begin alike.

    A minibatch is a function of seed and step, and of what transitions weigh in cloning, so that an
    agent that goes on from a kept clone ends bit for bit as it would have alone.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[dict[str, th.Tensor], Seconds]] = OrderedDict()

    def learn(self, model: OfflineAlgorithm, dataset: str, total_timesteps: int | None) -> Seconds:
        """
        :param model: an agent that has not learnt yet
        :param dataset: names the data that it has
        :param total_timesteps: gradient steps, the algorithm's own number where ``None``
        :return: the time that its cloning would have taken, nothing if it was not spared
        """
        steps = model.steps_of(total_timesteps)
        clones = _leading_clones(model.phases(steps))
        stop = clones[-1].stop if clones else 0
        if not 0 < stop < steps:
            model.learn(steps)
            return Seconds()
        key = _beginning(model, clones, dataset)
        if key not in self._kept:
            model.learn(steps, callback=_Keep(self, key, stop))
            return Seconds()
        self._kept.move_to_end(key)
        weights, seconds = self._kept[key]
        model.policy.load_state_dict(weights)
        model.begin_at(stop)
        model.learn(steps - stop, reset_num_timesteps=False)
        return seconds

    def keep(self, key: str, weights: dict[str, th.Tensor], seconds: Seconds) -> None:
        """
        :param key: of the beginning
        :param weights: state of the policy after cloning
        :param seconds: time that it took
        """
        self._kept[key] = {name: value.clone() for name, value in weights.items()}, seconds
        if len(self._kept) > _MOST_CLONES:
            self._kept.popitem(last=False)


class _Keep(BaseCallback):
    """Keeps the policy as it is when cloning ends."""

    def __init__(self, clones: SharedClones, key: str, n_steps: int) -> None:
        super().__init__()
        self._clones, self._key, self._n_steps = clones, key, n_steps

    def _on_training_start(self) -> None:
        self._start = Seconds.now()

    def _on_step(self) -> bool:
        if self.num_timesteps == self._n_steps:
            weights = self.model.policy.state_dict()
            self._clones.keep(self._key, weights, Seconds.now().since(self._start))
        return True


def _leading_clones(phases: Sequence[Phase]) -> list[Clone]:
    clones: list[Clone] = []
    for phase in phases:
        if type(phase) is not Clone:  # one of a subclass may depend on what no key tells of
            break
        clones.append(phase)
    return clones


def _beginning(model: OfflineAlgorithm, clones: Sequence[Clone], dataset: str) -> str:
    """A hash of the inputs of cloning: data, seed, settings, initial weights, what is cloned."""
    digest = hashlib.sha256()
    for name, value in sorted(model.policy.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    for part in [part for clone in clones for part in clone.rows.identity()]:
        known = part.cpu().numpy().tobytes() if isinstance(part, th.Tensor) else repr(part).encode()
        digest.update(known)
    settings = (
        dataset,
        (model.seed, model.data_seed),
        [(type(clone.rows).__name__, clone.learning_rates) for clone in clones],
        model.max_grad_norm,
        model.average_decay,
        model.compute_dtype,
        str(model.device),
        str(model.policy_kwargs),
    )
    digest.update(repr(settings).encode())
    return digest.hexdigest()
