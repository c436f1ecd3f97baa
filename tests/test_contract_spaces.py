"""Every kind of observation and action, policy and feedback that a model may meet."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    TINY_STEPS,
    assert_finite_weights,
    in_objective,
    learn_quietly,
    one_thread,
    random_dataset,
    tiny_feedback,
    weights_of,
)
from contract import (
    PRESA_CASE,
    Case,
    every_case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from gymnasium import spaces
from minari import MinariDataset
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, CombinedExtractor
from stable_baselines3.sac.policies import SACPolicy
from toy_envs import Kind, env_id

from sb3_presa import BC, PRESA
from sb3_presa.errors import ConfigError, DatasetError, FeedbackError
from sb3_presa.policies.actor import ObservationStandardizer
from sb3_presa.policies.policy import MlpPolicy

VECTOR = spaces.Box(-1.0, 1.0, (3,))
HWC = spaces.Box(0, 255, (36, 36, 3), np.uint8)
CHW = spaces.Box(0, 255, (3, 36, 36), np.uint8)
MIXED = spaces.Dict({"camera": HWC, "state": VECTOR, "gear": spaces.Discrete(4)})
UNIT = spaces.Box(-1.0, 1.0, (2,))

#: observation space, action space, policy
MATRIX: dict[str, tuple[gym.Space[Any], gym.Space[Any], str]] = {
    "box": (VECTOR, UNIT, "MlpPolicy"),
    "asymmetric": (
        VECTOR,
        spaces.Box(np.array([-1, 2, 0], np.float32), np.array([5, 4, 0.5], np.float32)),
        "MlpPolicy",
    ),
    "matrix": (spaces.Box(-1, 1, (2, 2)), spaces.Box(-3, 1, (2, 3)), "MlpPolicy"),
    "float64": (
        spaces.Box(-1, 1, (3,), np.float64),
        spaces.Box(-1, 1, (2,), np.float64),
        "MlpPolicy",
    ),
    "discrete": (VECTOR, spaces.Discrete(4), "MlpPolicy"),
    "discrete-from-7": (VECTOR, spaces.Discrete(4, start=7), "MlpPolicy"),
    "multidiscrete": (VECTOR, spaces.MultiDiscrete([2, 3, 4]), "MlpPolicy"),
    "multidiscrete-from-5": (VECTOR, spaces.MultiDiscrete([2, 3], start=[5, -2]), "MlpPolicy"),
    "discrete-observations": (spaces.Discrete(6), UNIT, "MlpPolicy"),
    "multibinary-observations": (spaces.MultiBinary(5), UNIT, "MlpPolicy"),
    "image-hwc": (HWC, UNIT, "CnnPolicy"),
    "image-chw": (CHW, spaces.Discrete(3), "CnnPolicy"),
    "flat-image": (HWC, UNIT, "MlpPolicy"),
    "dict": (MIXED, UNIT, "MultiInputPolicy"),
}


def batch_of(space: gym.Space[Any], n: int) -> Any:
    space.seed(3)
    samples = [space.sample() for _ in range(n)]
    if isinstance(space, spaces.Dict):
        return {key: np.stack([sample[key] for sample in samples]) for key in space.spaces}
    return np.stack(samples)


def row(batch: Any, index: int) -> Any:
    return {k: v[index] for k, v in batch.items()} if isinstance(batch, dict) else batch[index]


# --- predict --------------------------------------------------------------------------------


@every_case
@pytest.mark.parametrize("name", MATRIX)
def test_train_and_predict_single_batched_deterministic_and_sampled(
    case: Case, name: str, minari_root: Any
) -> None:
    observations, actions, policy = MATRIX[name]
    dataset = random_dataset("spaces", observations, actions)
    if case.continuous_only and not isinstance(actions, spaces.Box):
        with pytest.raises(ConfigError, match="must be Box for batch-constrained Q-learning"):
            case.make(dataset, policy=policy)
        return
    model = case.trained(dataset, policy=policy)
    assert_finite_weights(model)
    batch = batch_of(observations, 40)
    best, state = model.predict(batch, deterministic=True)
    assert state is None
    assert actions.shape is not None
    assert best.shape == (40, *actions.shape)
    assert np.array_equal(best, model.predict(batch, deterministic=True)[0])
    model.set_random_seed(0)
    sampled, _ = model.predict(batch, deterministic=False)
    assert not np.array_equal(best, sampled)
    for index in (0, 39):
        single, _ = model.predict(row(batch, index), deterministic=True)
        assert actions.contains(np.asarray(single, dtype=actions.dtype)[()])
        assert np.allclose(single, best[index], atol=1e-5)
        assert actions.contains(np.asarray(sampled[index], dtype=actions.dtype)[()])


@pytest.mark.parametrize("space", [HWC, CHW])
def test_images_predict_the_same_with_channels_first_or_last(
    space: gym.Space[Any], minari_root: Any
) -> None:
    model = PRESA_CASE.trained(random_dataset("images", space, UNIT), policy="CnnPolicy")
    batch = batch_of(space, 3)
    moved = np.moveaxis(batch, -1, 1) if space is HWC else np.moveaxis(batch, 1, -1)
    both = [model.predict(images, deterministic=True)[0] for images in (batch, moved)]
    assert np.array_equal(*both)


ENVIRONMENTS: list[tuple[Kind, str]] = [
    ("box", "MlpPolicy"),
    ("discrete", "MlpPolicy"),
    ("multidiscrete", "MlpPolicy"),
    ("dict", "MultiInputPolicy"),
    ("image", "CnnPolicy"),
]


@pytest.mark.parametrize("env_given", [False, True])
@pytest.mark.parametrize(("kind", "policy"), ENVIRONMENTS)
def test_recorded_environments_can_be_acted_in(
    kind: Kind, policy: str, env_given: bool, make_dataset: Callable[[Kind], MinariDataset]
) -> None:
    dataset = make_dataset(kind)
    env = dataset.recover_environment(eval_env=True)
    model = PRESA_CASE.trained(dataset, policy=policy, env=env if env_given else None)
    mean, _ = evaluate_policy(model, env, n_eval_episodes=1, warn=False)
    assert np.isfinite(mean)


# --- policy_kwargs --------------------------------------------------------------------------


class Doubling(BaseFeaturesExtractor):
    """The user's own features."""

    def __init__(self, observation_space: spaces.Box, width: int) -> None:
        super().__init__(observation_space, features_dim=width)
        self.linear = th.nn.Linear(observation_space.shape[0], width)

    def forward(self, observations: th.Tensor) -> th.Tensor:
        doubled: th.Tensor = 2.0 * self.linear(observations)
        return doubled


@every_case
def test_policy_kwargs_shape_the_networks(case: Case, box_dataset: MinariDataset) -> None:
    kwargs = {
        "net_arch": [5, 7],
        "activation_fn": th.nn.Tanh,
        "features_extractor_class": Doubling,
        "features_extractor_kwargs": {"width": 6},
        "optimizer_class": th.optim.AdamW,
        "optimizer_kwargs": {"weight_decay": 0.5},
        "clip_obs": 2.5,
    }
    model = case.make(box_dataset, policy_kwargs=kwargs)
    before = model.policy.actor.features_extractor.linear.weight.clone()
    learn_quietly(model, TINY_STEPS)
    actor = model.policy.actor
    kinds = [type(layer).__name__ for layer in actor.mlp]
    kinds = [kind for kind in kinds if kind != "SeededDropout"]  # some have it by default
    assert kinds == ["Linear", "Tanh", "Linear", "Tanh"]
    layers = [layer for layer in actor.mlp if isinstance(layer, th.nn.Linear)]
    assert [layer.out_features for layer in layers] == [5, 7]
    assert layers[0].in_features in (6, 6 + 1, 6 + 2), "and a safety level, or an action"
    assert isinstance(actor.features_extractor, Doubling)
    assert not th.equal(actor.features_extractor.linear.weight, before), "it is not trained"
    assert isinstance(model.policy.optimizer, th.optim.AdamW)
    assert model.policy.optimizer.param_groups[0]["weight_decay"] == 0.5
    assert {standardizer.clip_obs for standardizer in standardizers(model)} == {2.5}


def standardizers(model: Any) -> list[ObservationStandardizer]:
    """Of all networks: the policy's, and of models beside it."""
    networks = [part for part in vars(model).values() if isinstance(part, th.nn.Module)]
    modules = [module for part in networks for module in part.modules()]
    return [module for module in modules if isinstance(module, ObservationStandardizer)]


# --- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("observations", "policy", "message"),
    [
        (MIXED, "MlpPolicy", "must be 'MultiInputPolicy' .* got 'MlpPolicy'"),
        (MIXED, "CnnPolicy", "must be 'MultiInputPolicy' .* got 'CnnPolicy'"),
        (VECTOR, "MultiInputPolicy", "must be 'MlpPolicy' or 'CnnPolicy' .* got"),
        (VECTOR, "CnnPolicy", "must be images"),
        (
            VECTOR,
            "LstmPolicy",
            r"`policy` must be 'auto', 'MlpPolicy', .* or a class, got 'LstmPolicy'",
        ),
    ],
)
@every_case
def test_observations_with_the_wrong_policy(
    case: Case, observations: gym.Space[Any], policy: str, message: str, minari_root: Any
) -> None:
    dataset = random_dataset("wrong", observations, UNIT)
    with pytest.raises(ConfigError, match=message):
        case.make(dataset, policy=policy)


@pytest.mark.parametrize(
    ("observations", "name", "message"),
    [
        (MIXED, "MlpPolicy", "must be 'MultiInputPolicy'"),
        (MIXED, "CnnPolicy", "must be 'MultiInputPolicy'"),
        (VECTOR, "MultiInputPolicy", "must be 'MlpPolicy' or 'CnnPolicy' .* got"),
        (VECTOR, "CnnPolicy", "must be images"),
    ],
)
@every_case
def test_observations_with_the_wrong_class_of_policy(
    case: Case, observations: gym.Space[Any], name: str, message: str, minari_root: Any
) -> None:
    """A class is checked as its name is, of a dataset and of an environment."""
    policy = case.algorithm.policy_aliases[name]
    dataset = random_dataset("wrong", observations, UNIT)
    with pytest.raises(ConfigError, match=message):
        case.make(dataset, policy=policy)
    with pytest.raises(ConfigError, match=message):
        case.algorithm(policy, Nowhere(observations, UNIT), device="cpu")


@pytest.mark.parametrize("extractor", [CombinedExtractor, "its own"])
def test_an_extractor_that_fits_makes_a_policy_fit(
    extractor: Any, dict_dataset: MinariDataset, tmp_path: Path
) -> None:
    """It is what takes the observations, whatever the class of policy."""
    if extractor == "its own":

        class Own(CombinedExtractor):
            """What it takes is its own affair."""

        extractor = Own
    kwargs = {"net_arch": [8], "features_extractor_class": extractor}
    model = PRESA_CASE.trained(dict_dataset, policy=MlpPolicy, policy_kwargs=kwargs)
    model.save(tmp_path / "model")
    env = dict_dataset.recover_environment()
    # A class that no module has is pickled: a file of one's own
    trust = extractor is not CombinedExtractor
    loaded = PRESA.load(tmp_path / "model", env=env, device="cpu", trust=trust)
    observation, _ = env.reset(seed=0)
    best, again = (one.predict(observation, deterministic=True)[0] for one in (model, loaded))
    assert np.array_equal(best, again)


class Nowhere(gym.Env[Any, Any]):
    """Has spaces."""

    def __init__(self, observation_space: gym.Space[Any], action_space: gym.Space[Any]) -> None:
        self.observation_space, self.action_space = observation_space, action_space


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (spaces.Box(-np.inf, np.inf, (2,)), "must have finite bounds"),
        (
            spaces.Box(-128, 127, (2,), np.int8),
            r"must be a Box of floats.*int8\): scaling integers",
        ),
        (spaces.Box(0, 3, (2,), np.int64), r"must be a Box of floats.*int64\): scaling integers"),
        (spaces.MultiBinary(2), "must be Box, Discrete or MultiDiscrete, got MultiBinary"),
        (spaces.MultiDiscrete(np.array([[2, 3], [3, 2]])), "flatten it"),
        (
            spaces.Box(np.array([0, 1], np.float32), np.array([1, 1], np.float32)),
            r"must have low < high",
        ),
    ],
)
@pytest.mark.parametrize("algorithm", [PRESA, BC])
def test_action_spaces_that_no_policy_has(
    algorithm: Any, actions: gym.Space[Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        algorithm("MlpPolicy", Nowhere(VECTOR, actions), device="cpu")


def test_unbounded_actions_in_a_dataset(minari_root: Any) -> None:
    dataset = random_dataset("unbounded", VECTOR, spaces.Box(-np.inf, np.inf, (2,)))
    with pytest.raises(ConfigError, match="must have finite bounds"):
        PRESA_CASE.make(dataset)


@pytest.mark.parametrize(
    ("observations", "actions", "message"),
    [
        (spaces.Box(-1, 1, (4,)), UNIT, "observation space"),
        (VECTOR, spaces.Box(-1, 1, (3,)), "action space"),
        (VECTOR, spaces.Box(-2, 2, (2,)), "action space"),
        (VECTOR, spaces.Discrete(2), "action space"),
    ],
)
def test_a_dataset_that_does_not_fit_the_model(
    observations: gym.Space[Any], actions: gym.Space[Any], message: str, minari_root: Any
) -> None:
    """Bounds of actions count: actions are scaled by them."""
    other = random_dataset("other", observations, actions)
    model = PRESA_CASE.trained(random_dataset("mine", VECTOR, UNIT))
    with pytest.raises(DatasetError, match=message):
        model.set_dataset(other, tiny_feedback(other))
    with pytest.raises(DatasetError, match=message):
        PRESA_CASE.make(other, env=Nowhere(VECTOR, UNIT))
    learn_quietly(model, 2, reset_num_timesteps=False)


def test_a_dataset_may_differ_from_its_environment_in_precision(minari_root: Any) -> None:
    dataset = random_dataset("float32", VECTOR, UNIT)
    double = spaces.Box(-np.inf, np.inf, (3,), np.float64)
    env = Nowhere(double, spaces.Box(-1, 1, (2,), np.float64))
    model = learn_quietly(PRESA_CASE.make(dataset, env=env), TINY_STEPS)
    assert model.observation_space == double


def test_spaces_and_policies_that_nothing_can_be_made_of_are_refused(minari_root: Any) -> None:
    for observations, actions, said in (
        (spaces.Discrete(5, start=1), UNIT, r"must start at 0, got Discrete\(5, start=1\)"),
        (VECTOR, spaces.Box(-1, 1, ()), "must have at least one axis"),
    ):
        with pytest.raises(ConfigError, match=said):
            PRESA_CASE.algorithm("MlpPolicy", Nowhere(observations, actions))
    with pytest.raises(ConfigError, match=r"`policy` must be a subclass of .*, got SACPolicy"):
        PRESA_CASE.algorithm(SACPolicy)
    with pytest.raises(
        ConfigError, match=r"`net_arch` must be a list of layer widths, got .*pi/vf/qf"
    ):
        PRESA_CASE.algorithm(
            env=Nowhere(VECTOR, UNIT), policy_kwargs={"net_arch": {"pi": [8], "qf": [8]}}
        )


PRESA_REFUSALS: list[tuple[str, Any]] = [
    *[("delta", value) for value in (0.0, 1.0, -0.5, float("nan"))],
    *[(name, value) for name in ("gamma", "safety_gamma") for value in (0.0, 1.01)],
    *[("unsafe_weight", value) for value in (0.0, 1.0)],
    *[("attain_margin", value) for value in (0.0, 1.5)],
    ("least_clone_error", -0.1),
    *[("validation_fraction", value) for value in (-0.1, 1.0)],
    *[("multiplier_init", value) for value in (-1.0, 5.0)],
    ("preference_filter", "none"),
    ("clip_range", 0.0),
    ("clip_range", 1.0),
    ("alpha", 0.0),
    ("beta", -1.0),
    ("multiplier_learning_rate", 0.0),
    ("multiplier_max", -1.0),
    ("anchor_coef", -1.0),
    ("anchor_sharpness", -1.0),
    ("preference_coef", -1.0),
    ("n_attain_steps", -1),
    ("n_cloning_steps", -1),
    ("cloning_batch_size", 0),
    ("cloning_learning_rate", 0.0),
    ("n_pairs", 0),
    ("n_segment_steps", 0),
    ("precision", "float16"),
]
COMMON_REFUSALS: list[tuple[str, Any]] = [
    ("average_decay", 1.0),
    ("average_decay", -0.1),
    ("max_grad_norm", 0.0),
]


@pytest.mark.parametrize(
    ("algorithm", "name", "value"),
    [
        *[(PRESA, *refusal) for refusal in PRESA_REFUSALS + COMMON_REFUSALS],
        *[(BC, *refusal) for refusal in COMMON_REFUSALS],
        (BC, "data", "good"),
        (BC, "batch_size", 0),
    ],
)
def test_arguments_out_of_their_range(algorithm: Any, name: str, value: Any) -> None:
    """The message names the argument and what was found."""
    with pytest.raises(ConfigError, match=rf"`{name}`.*{value}"):
        settings = {name: value}
        algorithm(**(in_objective(settings) if algorithm is PRESA else settings), device="cpu")


@pytest.mark.parametrize("kwargs", [{"total_timesteps": -1}, {"log_interval": 0}])
def test_learn_wants_counts(kwargs: dict[str, int], box_dataset: MinariDataset) -> None:
    (name,) = kwargs
    with pytest.raises(ConfigError, match=f"`{name}` must be at least"):
        PRESA_CASE.make(box_dataset).learn(**kwargs)


@pytest.mark.parametrize("anew", [False, True])
@every_case
def test_nothing_remains_of_a_finished_run(
    case: Case, anew: bool, box_dataset: MinariDataset
) -> None:
    """As in SB3: a script that goes on with what is left may run once more."""
    model = case.trained(box_dataset)
    before, steps = weights_of(model), model.num_timesteps
    model.learn(0, reset_num_timesteps=anew)
    assert model.num_timesteps == steps
    assert all(np.array_equal(value, before[name]) for name, value in weights_of(model).items())


@every_case
def test_what_is_no_dataset_and_no_feedback_is_refused(
    case: Case, box_dataset: MinariDataset
) -> None:
    limit = case.limited(4.0)
    env = gym.make(env_id("box"))
    with pytest.raises(DatasetError, match=r"the dataset must be a Minari dataset, .*, got <.*>"):
        case.algorithm.load_offline(env, **limit)
    with pytest.raises(
        FeedbackError, match=r"`feedback` must be the name of a feedback set, .*, got \[1, 2\]"
    ):
        case.algorithm.load_offline(box_dataset, [1, 2], **limit)
