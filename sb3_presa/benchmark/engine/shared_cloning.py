"""Shared cloning: agents with the same dataset and seed start from the same clone."""

import hashlib
import time
from collections import OrderedDict
from typing import Any, NamedTuple

import torch as th
from stable_baselines3.common.callbacks import BaseCallback

from sb3_presa.learning.alignment import AlignmentAlgorithm

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

    def learn(self, model: Any, dataset: str, total_timesteps: int | None) -> Seconds:
        """
        :param model: an agent that has not learnt yet
        :param dataset: names the data that it has
        :param total_timesteps: gradient steps, the algorithm's own number where ``None``
        :return: the time that its cloning would have taken, nothing if it was not spared
        """
        steps = model.default_total_timesteps if total_timesteps is None else total_timesteps
        if not _clones_alike(model) or not 0 < model.n_cloning_steps < steps:
            model.learn(steps)
            return Seconds()
        key = _beginning(model, dataset)
        if key not in self._kept:
            model.learn(steps, callback=_Keep(self, key))
            return Seconds()
        self._kept.move_to_end(key)
        weights, seconds = self._kept[key]
        model.policy.load_state_dict(weights)
        model.num_timesteps = model._n_updates = model.n_cloning_steps
        model.learn(steps - model.n_cloning_steps, reset_num_timesteps=False)
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

    def __init__(self, clones: SharedClones, key: str) -> None:
        super().__init__()
        self._clones, self._key = clones, key

    def _on_training_start(self) -> None:
        self._start = Seconds.now()

    def _on_step(self) -> bool:
        model: Any = self.model
        if self.num_timesteps == model.n_cloning_steps:
            weights = model.policy.state_dict()
            self._clones.keep(self._key, weights, Seconds.now().since(self._start))
        return True


def _clones_alike(model: Any) -> bool:
    """Whether its cloning is that of :class:`AlignmentAlgorithm`; others' may be anything."""
    return (
        isinstance(model, AlignmentAlgorithm)
        and type(model).__module__.startswith("sb3_presa.")
        and type(model)._sample_cloning_rows is AlignmentAlgorithm._sample_cloning_rows
    )


def _beginning(model: AlignmentAlgorithm, dataset: str) -> str:
    """A hash of the inputs of cloning: data, seed, settings, initial weights, what is cloned."""
    digest = hashlib.sha256()
    tensors = sorted(model.policy.state_dict().items())
    if model.cloning_mass is not None:
        tensors.append(("cloning_mass", model.cloning_mass))
    for name, value in tensors:
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    settings = (
        dataset,
        (model.seed, model._minibatch_seed),
        model.n_cloning_steps,
        model.cloning_learning_rate,
        model.cloning_batch_size,
        model.max_grad_norm,
        model.average_decay,
        str(model._compute_dtype),
        str(model.device),
        str(model.policy_kwargs),
    )
    digest.update(repr(settings).encode())
    return digest.hexdigest()
