#!/usr/bin/env bash
# TorchRL's returns of several steps hold the crash, and add the value of the state behind it as if nothing had ended.
#
# Versions: torchrl 0.14.1, tensordict 0.14.3, torch 2.13.0, numpy 2.4.6.
# One would guess: where the return of three steps reaches a termination, the row says that its next state is the end.
# What happens: `MultiStep` and `MultiStepTransform` move the next observation and sum the rewards up to the end, and
#   leave "done" and "terminated" those of the first of the steps. Losses and value estimators go by "terminated". The
#   docs of `MultiStep` say that all of "next" is shifted, those of the transform that the ends are "left untouched";
#   neither says what the losses make of it. "nonterminal" is True for these rows as well.
# Seen: an episode of four steps with the rewards 1, 1, 1 and -10 for a crash, and a critic that says 100 everywhere.
#   `TD0Estimator` gives targets of 92 and 91 for the second and third step, which should be -8 and -9. The crash itself
#   has -10. Without several steps all is right.
# Why it matters: the last steps before each crash learn the value of a state that no episode goes on from. With a
#   critic of costs, the most dangerous steps get costs of a future that does not exist, or of none.
# Way round: fetch "terminated" from the step at which the return ends, as below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq torchrl==0.14.1 tensordict==0.14.3 torch==2.13.0 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
import logging
from importlib.metadata import version

import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torchrl.data import LazyTensorStorage, ReplayBuffer
from torchrl.data.postprocs import MultiStep
from torchrl.envs.transforms import MultiStepTransform
from torchrl.objectives.value import TD0Estimator

logging.disable(logging.INFO)
print({name: version(name) for name in ("torchrl", "tensordict", "torch", "numpy")})


class Hundred(torch.nn.Module):
    def forward(self, observation):
        return torch.full_like(observation, 100.0)


critic = TensorDictModule(Hundred(), in_keys=["observation"], out_keys=["state_value"])
steps = torch.arange(8.0)[:, None]
crash = steps == 3
rewards = torch.where(crash, -10.0, 1.0)
ends = {"done": crash, "terminated": crash, "truncated": torch.zeros_like(crash)}
log = TensorDict({"observation": steps, "next": {"observation": steps + 1, "reward": rewards, **ends}}, [8])


def targets(rows):
    """What the critic should learn for the four steps of the first episode."""
    rows = TD0Estimator(gamma=1.0, value_network=critic)(rows.clone())
    return rows["value_target"].flatten().tolist()[:4]


memory = ReplayBuffer(storage=LazyTensorStorage(8), transform=MultiStepTransform(n_steps=3, gamma=1.0))
memory.extend(log.clone())
one, three, stored = log, MultiStep(gamma=1.0, n_steps=3)(log.clone()), memory[:]
for name, rows in {"one step": one, "MultiStep": three, "MultiStepTransform": stored}.items():
    shown = {key: rows["next", key].flatten().tolist()[:4] for key in ("reward", "observation", "terminated")}
    print(name, shown, "targets", targets(rows))
for rows in (three, stored):
    assert rows["next", "observation"].flatten().tolist()[:4] == [3, 4, 4, 4], "the next observations have changed"
    assert targets(rows) == [103, 92, 91, -10], "the returns end at the crash now"
assert targets(one) == [101, 101, 101, -10], "single steps have changed"

last = torch.arange(8) + three["steps_to_next_obs"] - 1
three["next", "terminated"] = log["next", "terminated"][last]
print("with the end of the last step", targets(three))
assert targets(three) == [103, -8, -9, -10], "the way round fails"
PY
