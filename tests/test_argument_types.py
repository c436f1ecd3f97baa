"""Every constructor refuses an argument of another type than it is annotated with."""

import inspect
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from minari import MinariDataset

import sb3_presa
from sb3_presa import ALGORITHMS, BC, CPL, PRESA, BCQLag, SafeRLHF, TraC
from sb3_presa.errors import ConfigError
from sb3_presa.policies.policy import MlpPolicy
from sb3_presa.registry import settings_of


class OwnClass(CPL):
    """As a user writes one: some arguments annotated, some not, the rest handed on."""

    def __init__(  # type: ignore[no-untyped-def]
        self, *args: Any, sharp: bool = True, level=3, cap: float = math.inf, **kwargs: Any
    ) -> None:
        self.sharp, self.level, self.cap = sharp, level, cap
        super().__init__(*args, **kwargs)


@pytest.mark.parametrize(
    ("algorithm", "name", "value", "allowed"),
    [
        (PRESA, "normalize_length", "false", "True or False"),
        (PRESA, "center_utilities", "no", "True or False"),
        (PRESA, "compile", 0, "True or False"),
        (PRESA, "delta", "abc", "a finite number"),
        (PRESA, "alpha", math.nan, "a finite number"),
        (PRESA, "alpha", math.inf, "a finite number"),
        (PRESA, "beta", True, "a finite number"),
        (PRESA, "clip_range", "none", "a finite number or None"),
        (PRESA, "n_pairs", 1.5, "a whole number"),
        (PRESA, "n_pairs", True, "a whole number"),
        (PRESA, "n_pairs", None, "a whole number"),
        (PRESA, "preference_filter", 3, "a text"),
        (PRESA, "policy_kwargs", 5, "a dictionary or None"),
        (PRESA, "learning_rate", "fast", "a finite number or a function"),
        (PRESA, "max_grad_norm", math.nan, "a number"),
        (PRESA, "seed", 0.5, "a whole number or None"),
        (BC, "batch_size", 1e3, "a whole number"),
        (BC, "average_decay", None, "a finite number"),
        (CPL, "cloning_batch_size", 2.5, "a whole number"),
        (TraC, "normalize_length", 1, "True or False"),
        (BCQLag, "pid_gains", (1.0, 2.0), "three finite numbers"),
        (BCQLag, "pid_gains", 7, "three finite numbers"),
        (SafeRLHF, "model_net_arch", [8, 0.5], "a list of whole numbers or None"),
        (OwnClass, "sharp", "no", "True or False"),
        (OwnClass, "cap", math.nan, "a number"),
        (OwnClass, "n_pairs", 1.5, "a whole number"),
    ],
)
def test_the_refusal_says_what_was_found_and_what_is_allowed(
    algorithm: Any, name: str, value: Any, allowed: str
) -> None:
    said = f"{name} is {value!r}; allowed is {allowed}"
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        algorithm(**{name: value}, device="cpu")


def test_a_positional_argument_is_checked_too() -> None:
    with pytest.raises(ConfigError, match=r"^learning_rate is 'fast'; allowed is"):
        PRESA("MlpPolicy", None, "fast")  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [-1e-3, -1])
def test_a_learning_rate_below_zero_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match=rf"^learning_rate is {rate}; it must be at least 0"):
        BC(learning_rate=rate)


def test_what_is_a_number_to_python_passes() -> None:
    model = PRESA(
        alpha=1,
        beta=np.float32(0.5),  # type: ignore[arg-type]
        n_pairs=np.int64(4),  # type: ignore[arg-type]
        normalize_length=np.bool_(False),  # type: ignore[arg-type]
        learning_rate=lambda progress: progress * 1e-3,
        max_grad_norm=math.inf,
        multiplier_max=math.inf,
        clip_range=None,
        unsafe_weight=None,
        verbose=False,
        tensorboard_log=Path("logs"),  # type: ignore[arg-type]
        device=th.device("cpu"),
    )
    assert (model.alpha, model.n_pairs, model.clip_range) == (1, 4, None)
    gains: Any = [1, 0, 0]  # as YAML has it
    assert BCQLag(pid_gains=gains).pid_gains == gains
    own = OwnClass(level=0.5, cap=math.inf)
    assert own.level == 0.5  # of what has no annotation nothing is known


@pytest.mark.parametrize("name", ALGORITHMS)
def test_defaults_are_of_their_own_type(name: str) -> None:
    """And what is seen of a constructor is what it was before it checked anything."""
    algorithm = getattr(sb3_presa, name)
    settings = dict(settings_of(algorithm))
    assert algorithm(**settings, device="cpu").algorithm == name
    assert "learning_rate" in settings
    assert "policy" in inspect.signature(algorithm).parameters


def test_a_wrong_name_is_still_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'dleta'"):
        PRESA(dleta=0.5)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("dropout", "much", "dropout is 'much'; allowed is a finite number"),
        ("action_std", math.nan, "action_std is nan; allowed is a finite number"),
        ("normalize_images", "no", "normalize_images is 'no'; allowed is True or False"),
        ("net_arch", 8, "`net_arch` must be a list of layer widths, got 8"),
        ("net_arch", [8, 0], "`net_arch` must be a list of layer widths, got [8, 0]"),
    ],
)
def test_arguments_of_the_policy(
    box_dataset: MinariDataset, name: str, value: Any, said: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}"):
        BC.load_offline(box_dataset, policy_kwargs={name: value}, device="cpu")


def test_an_infinite_cut_of_observations_is_none(box_dataset: MinariDataset) -> None:
    model = BC.load_offline(box_dataset, policy_kwargs={"clip_obs": math.inf, "net_arch": (8,)})
    assert isinstance(model.policy, MlpPolicy)
