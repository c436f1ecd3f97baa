"""Networks of one shape that are evaluated all at once."""

import math
from itertools import pairwise

import torch as th
from torch import nn


class EnsembleMLP(nn.Module):
    """
    ``n_members`` multilayer perceptrons with ReLU between their layers and one output each, as
    batched matrices: one multiplication a layer, however many there are.

    :param n_members: M, number of networks
    :param n_inputs: width of the input
    :param net_arch: widths of the hidden layers
    """

    def __init__(self, n_members: int, n_inputs: int, net_arch: list[int]) -> None:
        super().__init__()
        self.n_members = n_members
        widths = [n_inputs, *net_arch, 1]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for before, after in pairwise(widths):
            bound = 1.0 / math.sqrt(before)  # as nn.Linear starts
            self.weights.append(th.empty(n_members, before, after).uniform_(-bound, bound))
            self.biases.append(th.empty(n_members, 1, after).uniform_(-bound, bound))

    def forward(self, inputs: th.Tensor, frozen: bool = False) -> th.Tensor:
        """
        :param inputs: (N, n_inputs), the same for all networks
        :param frozen: let gradients reach the inputs only, not the networks' weights
        :return: outputs in float32, (M, N)
        """
        last = len(self.weights) - 1
        hidden = inputs.expand(self.n_members, *inputs.shape)
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if frozen:
                weight, bias = weight.detach(), bias.detach()
            if index < last:
                # In place: on a CPU, a new tensor of this size costs more than what fills it
                hidden = th.bmm(hidden, weight)
                hidden = hidden.add_(bias.to(hidden.dtype)).relu_()
        # bfloat16 has steps of a quarter at 50: too coarse to choose the highest of values by.
        # One by one: a batch of matrices of a single column is many times slower
        with th.autocast(hidden.device.type, enabled=False):
            columns = zip(hidden.unbind(), weight.squeeze(-1).unbind(), strict=True)
            outputs = th.stack([member.float() @ column for member, column in columns])
            return outputs.add(bias.squeeze(-1))
