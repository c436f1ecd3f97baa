"""The networks of many actors evaluated together, each on a batch of its own."""

from collections.abc import Sequence
from copy import deepcopy

import torch as th
from torch import nn

from sb3_presa.policies.actor import Actor
from sb3_presa.policies.dropout import SeededDropout
from sb3_presa.policies.type_aliases import TensorObs

#: Rows that are evaluated together on a CPU; the layers of more do not fit into its cache, which
#: costs more than fewer and larger matrix products save. A GPU takes all at once.
_CACHED_ROWS = 16384
#: Layers that treat every number alike, so that one more dimension in front changes nothing.
_ELEMENTWISE = (nn.ReLU, nn.Tanh, nn.ELU, nn.GELU, nn.SiLU, nn.LeakyReLU, nn.Sigmoid, nn.Softplus)


class StackedActors:
    """
    Actors of one architecture. Their weights stay where they are: they are stacked for each
    forward pass, and gradients flow back into the actors. What cannot be stacked (a features
    extractor with weights of its own, an unusual activation) is evaluated one after the other.

    :param actors: the actors
    """

    def __init__(self, actors: Sequence[Actor]) -> None:
        self.actors = list(actors)
        self.stackable = _are_stackable(self.actors)
        self._parts: dict[int, list[_Part]] = {}

    def log_prob(self, observations: TensorObs, actions: th.Tensor) -> th.Tensor:
        """
        :param observations: raw observations of the first actor, then of the second and so on,
            N each, (M * N, ...), or a dict of them
        :param actions: their actions in the policy's scale, (M * N, A)
        :return: log-probabilities of each actor, (M, N), in float32
        """
        n_rows = len(actions) // len(self.actors)
        n_together = self._n_together(n_rows, actions.device)
        if n_together not in self._parts:
            self._parts[n_together] = [
                _Part(self.actors[first : first + n_together])
                for first in range(0, len(self.actors), n_together)
            ]
        n_part = n_together * n_rows
        of_actions = actions.split(n_part)
        if isinstance(observations, dict):
            split = {key: value.split(n_part) for key, value in observations.items()}
            of_observations: list[TensorObs] = [
                {key: values[i] for key, values in split.items()} for i in range(len(of_actions))
            ]
        else:
            of_observations = list(observations.split(n_part))
        parts = zip(self._parts[n_together], of_observations, of_actions, strict=True)
        return th.cat([part.log_prob(*batch) for part, *batch in parts])

    def _n_together(self, n_rows: int, device: th.device) -> int:
        if not self.stackable:
            return 1
        if device.type != "cpu":
            return len(self.actors)
        return min(len(self.actors), max(1, _CACHED_ROWS // n_rows))


class _Part:
    """Actors that are evaluated in one pass."""

    def __init__(self, actors: list[Actor]) -> None:
        self.actors = actors
        if len(actors) > 1:
            self.mlp = _stacked([actor.mlp for actor in actors])
            self.head = _stacked([actor.head for actor in actors])

    def log_prob(self, observations: TensorObs, actions: th.Tensor) -> th.Tensor:
        """Log-probabilities, (M, N)."""
        first, M = self.actors[0], len(self.actors)
        if M == 1:
            return first.log_prob(observations, actions).unsqueeze(0)
        standardized = first.standardizer(observations)
        features = first.extract_features(standardized, first.features_extractor)
        hidden = self.mlp(features.unflatten(0, (M, -1)))
        log_prob: th.Tensor = self.head.log_prob(hidden, actions.unflatten(0, (M, -1)))  # type: ignore[operator]
        return log_prob


class _StackedLinear(nn.Module):
    """(M, N, in) to (M, N, out), each of the M matrices by the weights of one layer."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.layers = tuple(layers)  # in a tuple they stay modules of their actors only

    def forward(self, inputs: th.Tensor) -> th.Tensor:
        weight = th.stack([layer.weight for layer in self.layers])
        bias = th.stack([layer.bias for layer in self.layers])
        return th.baddbmm(bias.unsqueeze(1), inputs, weight.mT)


class _StackedDropout(nn.Module):
    """Each of the M layers drops with its own randomness, as it would alone."""

    def __init__(self, layers: Sequence[SeededDropout]) -> None:
        super().__init__()
        self.layers = tuple(layers)

    def forward(self, inputs: th.Tensor) -> th.Tensor:
        return th.stack([layer(x) for layer, x in zip(self.layers, inputs, strict=True)])


def _stacked(modules: Sequence[nn.Module]) -> nn.Module:
    """One module in the place of many of the same kind."""
    first = modules[0]
    if isinstance(first, nn.Linear):
        return _StackedLinear(modules)  # type: ignore[arg-type]
    if isinstance(first, SeededDropout):
        return _StackedDropout(modules)  # type: ignore[arg-type]
    if isinstance(first, nn.Sequential):
        return nn.Sequential(*map(_stacked, zip(*modules, strict=True)))
    if isinstance(first, _ELEMENTWISE):
        return first
    head = deepcopy(first)
    for name, _ in first.named_children():
        setattr(head, name, _stacked([getattr(module, name) for module in modules]))
    return head


def _are_stackable(actors: Sequence[Actor]) -> bool:
    first = actors[0]
    known = (nn.Linear, SeededDropout, *_ELEMENTWISE)
    if any(first.features_extractor.state_dict()):
        return False
    if not all(isinstance(layer, known) for layer in [*first.mlp, *first.head.children()]):
        return False
    if any(layer.bias is None for layer in first.mlp if isinstance(layer, nn.Linear)):
        return False
    # They see one standardised dataset, unless some were trained on another one before
    statistics = [actor.standardizer.state_dict() for actor in actors]
    return all(
        th.equal(value, statistics[0][name]) for one in statistics for name, value in one.items()
    )
