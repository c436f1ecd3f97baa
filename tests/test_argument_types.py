"""Every constructor refuses an argument of another type than it is annotated with."""

import inspect
import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import tiny_feedback
from contract import CASES, PRESA_CASE, Case
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
        (PRESA, "clone_winners", "false", "True or False"),
        (PRESA, "compile", 0, "True or False"),
        (PRESA, "delta", "abc", "a finite number or 'auto'"),
        (PRESA, "alpha", math.nan, "a finite number"),
        (PRESA, "alpha", math.inf, "a finite number"),
        (PRESA, "beta", True, "a finite number"),
        (PRESA, "clip_range", "none", "a finite number or None"),
        (PRESA, "n_pairs", 1.5, "a whole number"),
        (PRESA, "n_pairs", True, "a whole number"),
        (PRESA, "n_pairs", None, "a whole number"),
        (PRESA, "precision", 3, "'float32' or 'bfloat16' or 'auto'"),
        (PRESA, "delta", "low", "a finite number or 'auto'"),
        (PRESA, "delta", 1.0, "in (0, 1)"),
        (PRESA, "n_pairs", 0, "at least 1"),
        (PRESA, "clip_range", 1.0, "in (0, 1) or None"),
        (PRESA, "alpha", 0.0, "greater than 0"),
        (PRESA, "seed", -1, "in [0, 4294967295] or None"),
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
    said = f"`{name}` must be {allowed}, got {value!r}"
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        algorithm(**{name: value}, device="cpu")


def test_a_positional_argument_is_checked_too() -> None:
    with pytest.raises(
        ConfigError, match=r"^`learning_rate` must be a finite number or a function, got 'fast'"
    ):
        PRESA("MlpPolicy", None, "fast")  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [-1e-3, -1])
def test_a_learning_rate_below_zero_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match=rf"^`learning_rate` must be at least 0, got {rate}"):
        BC(learning_rate=rate)


def test_what_is_a_number_to_python_passes() -> None:
    model = PRESA(
        alpha=1,
        beta=np.float32(0.5),  # type: ignore[arg-type]
        n_pairs=np.int64(4),  # type: ignore[arg-type]
        clone_winners=np.bool_(False),  # type: ignore[arg-type]
        learning_rate=lambda progress: progress * 1e-3,
        max_grad_norm=math.inf,
        clip_range=None,
        objective_kwargs={"multiplier_max": math.inf, "unsafe_weight": None},
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


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("n_cloning_steps", -3, "`n_cloning_steps` must be at least 0, got -3"),
        ("clone_winners", "false", "`clone_winners` must be True or False, got 'false'"),
        ("unsafe_cloning_weight", 7.0, "`unsafe_cloning_weight` must be in [0, 1], got 7.0"),
        ("validation_fraction", 1.0, "`validation_fraction` must be in [0, 1), got 1.0"),
        ("alpha", 0, "`alpha` must be greater than 0, got 0"),
        ("objective_kwargs", 5, "`objective_kwargs` must be a dict, got 5"),
        ("objective_kwargs", {"beta": 1.0}, "`objective_kwargs` has no setting 'beta'"),
        (
            "objective_kwargs",
            {"attain_margin": 2.0},
            "`attain_margin` must be in (0, 1], got 2.0",
        ),
        ("objective_kwargs", {"multiplier_init": 5.0}, "`multiplier_init` must be at most"),
        ("dleta", 0.9, "PRESA has no argument `dleta`; did you mean 'delta'?"),
    ],
)
def test_load_checks_what_replaces_the_files_settings(
    name: str, value: Any, said: str, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    PRESA.load_offline(box_dataset, tiny_feedback(box_dataset), device="cpu").save(tmp_path / "m")
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}"):
        PRESA.load(tmp_path / "m", device="cpu", **{name: value})
    kept = PRESA.load(tmp_path / "m", device="cpu", delta=0.9, objective_kwargs={})
    assert (kept.delta, kept.objective.settings.delta) == (0.9, 0.9)


def test_a_state_out_of_its_range_is_refused(box_dataset: MinariDataset) -> None:
    model = PRESA.load_offline(box_dataset, tiny_feedback(box_dataset), device="cpu")
    parameters = model.get_parameters()
    for name, value, said in (
        ("multiplier", 5.0, "`multiplier` must be in [0, 4], got 5"),
        ("delta", 1.5, "`delta` must be in (0, 1), got 1.5"),
        ("delta", math.nan, "`delta` must be in (0, 1), got nan"),
    ):
        state = {**parameters["objective"], name: th.tensor(value)}
        with pytest.raises(ConfigError, match=f"^{re.escape(said)}"):
            model.set_parameters({**parameters, "objective": state})
        assert float(model.objective.multiplier) == 0.5
    model.set_parameters(parameters)


def test_a_wrong_name_is_still_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'dleta'"):
        PRESA(dleta=0.5)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("dropout", "much", "`dropout` must be a finite number, got 'much'"),
        ("action_std", math.nan, "`action_std` must be a finite number, got nan"),
        ("normalize_images", "no", "`normalize_images` must be True or False, got 'no'"),
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


POLICY_KWARGS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"net_arc": [8]}, "has no argument `net_arc`; did you mean 'net_arch'?"),
    "given anyway": ({"lr_schedule": 1e-3}, "must not contain 'lr_schedule'"),
    "no class": ({"activation_fn": "relu"}, "`activation_fn` must be a subclass of Module, got"),
    "no optimizer": ({"optimizer_class": th.nn.ReLU}, "must be a subclass of Optimizer, got"),
    "bool": ({"net_arch": [True]}, "`net_arch` must be a list of layer widths"),
    "inner": ({"optimizer_kwargs": {"momentun": 1}}, "unexpected keyword argument 'momentun'"),
    "inner value": ({"optimizer_kwargs": {"weight_decay": -1.0}}, "Invalid weight_decay"),
}


@pytest.mark.parametrize(("kwargs", "said"), POLICY_KWARGS.values(), ids=POLICY_KWARGS)
@pytest.mark.parametrize("case", [PRESA_CASE, CASES[-1]], ids=lambda case: case.name)
def test_arguments_of_the_policy_are_checked(
    case: Case, kwargs: dict[str, Any], said: str, box_dataset: MinariDataset
) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        case.make(box_dataset, policy_kwargs=kwargs)


def test_a_class_with_arguments_is_a_class(box_dataset: MinariDataset) -> None:
    kwargs = {"activation_fn": partial(th.nn.LeakyReLU, 0.1), "net_arch": [4]}
    BC.load_offline(box_dataset, None, device="cpu", policy_kwargs=kwargs).learn(2)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (lambda left: np.nan, r"finite numbers of at least 0, got nan \(at progress 1\)"),
        (lambda left: 1e-3 if left > 0.5 else -1.0, r"got -1.0 \(at progress 0.5\)"),
        (lambda left: None, "that returns a number: "),
        (lambda: 1e-3, "that returns a number: "),
    ],
)
def test_what_a_schedule_returns_is_checked(
    schedule: Any, said: str, box_dataset: MinariDataset
) -> None:
    with pytest.raises(ConfigError, match="`learning_rate` must .*" + said):
        BC.load_offline(box_dataset, None, device="cpu", learning_rate=schedule).learn(4)


@pytest.mark.parametrize("callback", [3, "every", [None, 4]])
def test_callbacks_are_callable(callback: Any, box_dataset: MinariDataset) -> None:
    with pytest.raises(ConfigError, match="`callback` must be callbacks of SB3 or functions, got"):
        BC.load_offline(box_dataset, None, device="cpu").learn(2, callback)
