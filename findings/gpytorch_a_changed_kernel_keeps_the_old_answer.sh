#!/usr/bin/env bash
# GPyTorch mixes the old kernel with the new one when a hyperparameter changes between two predictions.
#
# Versions: gpytorch 1.15.2, linear_operator 0.6.1, torch 2.13.0, numpy 2.4.6.
# One would guess: a prediction is that of the model as it is, so of the new length scale, or of the old one.
# What happens: the first prediction in evaluation keeps what it solved for the training data. The next one multiplies
#   it with the new kernel. Only `train()`, `load_state_dict` or new data throws it away. The variance is new at once.
# Seen: sin(x) at 50 points, and x = 5.05, where it is -.94. With the length scale .7 the mean is -.94; set to .05 after
#   that -.08; a fresh model with .05 says -.54. The variance is .66 in both. The noise set to 10 moves no mean.
# Why it matters: whoever tries length scales or noises in a loop, without fitting anew, gets means of no model. A cost
#   model's error is then judged at settings that it did not have.
# Way round: `model.train(); model.eval()` after each change.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq gpytorch==1.15.2 linear_operator==0.6.1 torch==2.13.0 numpy==2.4.6
venv/bin/python -I -W error::UserWarning - <<'PY'
from importlib.metadata import version

import torch
from gpytorch.distributions import MultivariateNormal
from gpytorch.kernels import RBFKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.means import ZeroMean
from gpytorch.models import ExactGP

print({name: version(name) for name in ("gpytorch", "linear_operator", "torch", "numpy")})
PLACES = torch.linspace(0, 10, 50, dtype=torch.float64)
ASKED = torch.tensor([5.05], dtype=torch.float64)


class Model(ExactGP):
    def __init__(self, scale):
        super().__init__(PLACES, PLACES.sin(), GaussianLikelihood().double())
        self.mean, self.kernel = ZeroMean(), RBFKernel().double()
        self.kernel.lengthscale, self.likelihood.noise = scale, 0.01
        self.eval()

    def forward(self, x):
        return MultivariateNormal(self.mean(x), self.kernel(x))

    @torch.no_grad()
    def answer(self):
        said = self(ASKED)
        return round(said.mean.item(), 4), round(said.variance.item(), 4)


model = Model(0.7)
before = model.answer()
model.kernel.lengthscale = 0.05
after, fresh = model.answer(), Model(0.05).answer()
print("before", before, "after the change", after, "fresh", fresh)
assert before[0] < -0.93 and -0.1 < after[0] < -0.07 and -0.56 < fresh[0] < -0.52, "the means are others"
assert after[1] == fresh[1], "the variances differ now"
model.likelihood.noise = 10.0
print("noise 10", model.answer())
assert model.answer()[0] == after[0], "the noise counts now"
model.likelihood.noise = 0.01
model.train()
model.eval()
assert model.answer() == fresh, "the way round fails"
PY
