"""Saving, loading and going on, over every algorithm."""

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    TINY_STEPS,
    assert_same_weights,
    learn_quietly,
    one_thread,
    random_dataset,
    tiny_feedback,
    weights_of,
)
from contract import (
    CASES,
    PRESA_CASE,
    Case,
    every_case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from minari import MinariDataset
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize
from toy_envs import Kind, env_id

import sb3_presa
from sb3_presa.errors import ConfigError

OBSERVATIONS = np.random.default_rng(0).uniform(-1, 1, (10, 3)).astype(np.float32)


def actions(model: Any) -> Any:
    return model.predict(OBSERVATIONS, deterministic=True)[0]


# --- to a file and back ---------------------------------------------------------------------


@every_case
@pytest.mark.parametrize("kind", ["str", "str.zip", "Path", "BytesIO"])
def test_what_is_saved_predicts_the_same_without_env_or_data(
    case: Case, kind: str, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = case.trained(box_dataset)
    file = io.BytesIO()
    targets: dict[str, Any] = {
        "str": str(tmp_path / "model"),
        "str.zip": str(tmp_path / "model.zip"),
        "Path": tmp_path / "model",
        "BytesIO": file,
    }
    model.save(targets[kind])
    expected = actions(model)
    shutil.rmtree(tmp_path / "datasets")
    file.seek(0)
    loaded = case.algorithm.load(targets[kind], device="cpu")
    assert_same_weights(model, loaded)
    assert np.array_equal(actions(loaded), expected)
    assert loaded.get_env() is None
    assert loaded.num_timesteps == TINY_STEPS
    for name, value in case.settings.items():
        assert getattr(loaded, name) == value, name


@pytest.mark.parametrize(
    ("saved", "loading"), [("presa", "BC"), ("bc-all", "PRESA"), ("presa", "CPL"), ("trac", "BC")]
)
def test_a_model_of_another_algorithm_is_called_by_its_name(
    saved: str, loading: str, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = next(case for case in CASES if case.name == saved).trained(box_dataset)
    model.save(tmp_path / "model")
    own = model.algorithm
    said = f"the file must hold a model of {loading}, got one of {own}; use {own}.load"
    with pytest.raises(ConfigError, match=said):
        getattr(sb3_presa, loading).load(tmp_path / "model")


@every_case
def test_exclude_and_include(case: Case, box_dataset: MinariDataset, tmp_path: Path) -> None:
    model = case.trained(box_dataset, verbose=0)
    model.verbose = 2
    model.save(tmp_path / "excluded", exclude=["verbose"])
    assert case.algorithm.load(tmp_path / "excluded", device="cpu").verbose == 0
    model.save(tmp_path / "included", exclude=["verbose"], include=["verbose"])
    assert case.algorithm.load(tmp_path / "included", device="cpu").verbose == 2


@every_case
def test_the_zip_does_not_grow_with_the_dataset(
    case: Case, minari_root: Path, tmp_path: Path
) -> None:
    """100 kB of observations more, not a kilobyte more in the zip, even while learning."""
    sizes = []
    for n_steps in (12, 1000):
        observations, moves = gym.spaces.Box(-1, 1, (4,)), gym.spaces.Box(-1, 1, (2,))
        name = f"steps{n_steps}"
        dataset = random_dataset(name, observations, moves, n_steps=n_steps)
        limit = n_steps / 3
        model = case.make(dataset, tiny_feedback(dataset, cost_limit=limit), **case.limited(limit))
        path = tmp_path / f"{name}.zip"

        def save(locals_: dict[str, Any], _: dict[str, Any], path: Path = path) -> bool:
            locals_["self"].save(path)
            return True

        learn_quietly(model, TINY_STEPS, callback=save)
        sizes.append(path.stat().st_size)
    assert abs(sizes[1] - sizes[0]) < 1024


@every_case
def test_the_policy_can_be_saved_on_its_own(
    case: Case, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = case.trained(box_dataset)
    model.policy.save(tmp_path / "policy.pt")
    policy = type(model.policy).load(tmp_path / "policy.pt", device="cpu")
    assert np.array_equal(policy.predict(OBSERVATIONS, deterministic=True)[0], actions(model))


def test_policy_kwargs_and_schedules_come_back(box_dataset: MinariDataset, tmp_path: Path) -> None:
    model = PRESA_CASE.make(
        box_dataset,
        learning_rate=lambda progress: 0.25 * progress,
        policy_kwargs={
            "net_arch": [5, 7],
            "activation_fn": th.nn.Tanh,
            "optimizer_class": th.optim.AdamW,
            "optimizer_kwargs": {"weight_decay": 0.125},
            "action_std": 0.3,
            "clip_obs": 2.5,
        },
    )
    learn_quietly(model, TINY_STEPS).save(tmp_path / "model")
    with pytest.raises(ConfigError, match=r"`learning_rate` \(builtins.function\).*--trust"):
        PRESA_CASE.algorithm.load(tmp_path / "model", device="cpu")
    given = PRESA_CASE.algorithm.load(tmp_path / "model", device="cpu", learning_rate=0.5)
    assert_same_weights(model, given)
    assert given.lr_schedule(0.5) == 0.5
    objects = {"learning_rate": 0.125}
    given = PRESA_CASE.algorithm.load(tmp_path / "model", device="cpu", custom_objects=objects)
    assert given.lr_schedule(0.5) == 0.125
    loaded = PRESA_CASE.algorithm.load(tmp_path / "model", device="cpu", trust=True)
    assert_same_weights(model, loaded)
    assert loaded.lr_schedule(0.5) == 0.125
    assert isinstance(loaded.policy.optimizer, th.optim.AdamW)
    assert loaded.policy.optimizer.param_groups[0]["weight_decay"] == 0.125
    assert loaded.policy.actor.head.action_std == 0.3
    assert loaded.policy.actor.standardizer.clip_obs == 2.5
    with pytest.raises(ValueError, match="policy kwargs"):
        PRESA_CASE.algorithm.load(
            tmp_path / "model", policy_kwargs={"net_arch": [9]}, learning_rate=0.5
        )


# --- parameters -----------------------------------------------------------------------------


@every_case
def test_parameters_go_from_model_to_model(
    case: Case, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    source = case.trained(box_dataset)
    source.save(tmp_path / "source")
    for given in (source.get_parameters(), str(tmp_path / "source")):
        target = case.trained(box_dataset, seed=1)
        assert not np.array_equal(actions(source), actions(target))
        target.set_parameters(given, device="cpu")
        assert_same_weights(source, target)


@every_case
def test_parameters_must_match_exactly_unless_told_otherwise(
    case: Case, box_dataset: MinariDataset
) -> None:
    source, target = case.trained(box_dataset), case.trained(box_dataset, seed=1)
    parameters = source.get_parameters()
    fewer = {"policy": parameters["policy"]}
    with pytest.raises(ValueError, match="do not match"):
        target.set_parameters(fewer)
    del fewer["policy"]["actor_average.head.mean.bias"]
    bias = target.policy.actor_average.head.mean.bias.clone()
    with pytest.raises(RuntimeError, match=r"actor_average\.head\.mean\.bias"):
        target.set_parameters({**parameters, **fewer})
    target.set_parameters(fewer, exact_match=False)
    assert th.equal(target.policy.actor_average.head.mean.bias, bias)
    weights = [model.policy.actor_average.head.mean.weight for model in (source, target)]
    assert th.equal(*weights)
    with pytest.raises(ValueError, match="invalid object name"):
        target.set_parameters({**source.get_parameters(), "nobody": {}})


def test_new_parameters_bring_their_own_reference(
    box_dataset: MinariDataset, tmp_path: Path
) -> None:
    """Log-ratios after ``set_parameters`` are those of the model that the parameters are from."""
    source, target = PRESA_CASE.trained(box_dataset), PRESA_CASE.trained(box_dataset, seed=1)
    source.save(tmp_path / "source")
    target.set_parameters(str(tmp_path / "source"), device="cpu")
    for model in (source, target):
        model.set_random_seed(5)
        learn_quietly(model, 1, reset_num_timesteps=False)
    assert_same_weights(source, target)


def given_parameters(case: Case, source: Any, dataset: MinariDataset, path: Path) -> Iterator[Any]:
    """Models that have not learnt, with the weights of ``source``, in each way to give them."""
    source.save(path)
    parameters = source.get_parameters()
    for given in (parameters, str(path), {"policy": parameters["policy"]}):
        target = case.make(dataset, seed=1)
        target.set_parameters(given, exact_match=len(given) > 1, device="cpu")
        yield target


@every_case
def test_parameters_that_were_trained_keep_the_statistics_of_their_data(
    case: Case, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    source = case.trained(box_dataset)
    expected = actions(source)
    other = random_dataset("other", source.observation_space, source.action_space)
    for target in given_parameters(case, source, box_dataset, tmp_path / "source"):
        target.save(tmp_path / "target")
        for model in (target, case.algorithm.load(tmp_path / "target", device="cpu")):
            assert model.num_timesteps == 0
            model.set_dataset(other, tiny_feedback(other))
            assert np.array_equal(actions(model), expected)


@every_case
def test_parameters_that_nobody_trained_take_the_statistics_of_new_data(
    case: Case, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    """As a new model does, whether it met other data before or none."""
    expected = case.make(box_dataset).policy.actor.standardizer.mean_0
    model = case.algorithm("MlpPolicy", gym.make(env_id("box")), device="cpu", **case.settings)
    other = random_dataset("other", model.observation_space, model.action_space)
    for met in (False, True):
        if met:
            model.set_dataset(other, tiny_feedback(other))
        model.save(tmp_path / "untrained")
        loaded = case.algorithm.load(tmp_path / "untrained", device="cpu")
        assert not th.equal(loaded.policy.actor.standardizer.mean_0, expected)
        loaded.set_dataset(box_dataset, tiny_feedback(box_dataset))
        assert th.equal(loaded.policy.actor.standardizer.mean_0, expected)


# --- environments ---------------------------------------------------------------------------


@every_case
def test_any_number_of_environments_at_load_and_at_set_env(
    case: Case, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = case.trained(box_dataset)
    model.save(tmp_path / "model")
    four = make_vec_env(env_id("box"), n_envs=4)
    loaded = case.algorithm.load(tmp_path / "model", env=four, device="cpu")
    assert loaded.get_env() is four
    assert loaded.n_envs == 4
    loaded.set_dataset(box_dataset, tiny_feedback(box_dataset))
    for again in (model, loaded):
        learn_quietly(again, TINY_STEPS)
    assert_same_weights(model, loaded)
    assert (loaded.get_env(), loaded.n_envs) == (four, 4)
    loaded.save(tmp_path / "again")
    assert case.algorithm.load(tmp_path / "again", device="cpu").num_timesteps == TINY_STEPS
    for n_envs in (1, 3):
        model.set_env(make_vec_env(env_id("box"), n_envs=n_envs))
        assert model.get_env().num_envs == model.n_envs == n_envs
    learn_quietly(model, 2, reset_num_timesteps=False)
    model.set_env(gym.make(env_id("box")))
    assert model.n_envs == 1


def test_an_environment_of_other_spaces_is_refused_and_changes_nothing(
    box_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = PRESA_CASE.trained(box_dataset)
    other = make_vec_env(env_id("discrete"), n_envs=3)
    with pytest.raises(
        ConfigError, match=r"action space of the environment must equal .*got Discrete"
    ):
        model.set_env(other)
    assert (model.get_env(), model.n_envs) == (None, 1)
    model.save(tmp_path / "model")
    with pytest.raises(
        ConfigError, match=r"action space of the environment must equal .*got Discrete"
    ):
        PRESA_CASE.algorithm.load(tmp_path / "model", env=other)


class Wider(gym.Wrapper[Any, Any, Any, Any]):
    """The environment as it is often registered: float64, and without bounds."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        shape = env.observation_space.shape
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, shape, np.float64)


def test_bounds_and_dtypes_of_observations_are_the_environments_own(
    box_dataset: MinariDataset,
) -> None:
    model = PRESA_CASE.trained(box_dataset)
    env = Wider(gym.make(env_id("box")))
    model.set_env(env)
    assert model.get_env().envs[0].unwrapped is env.unwrapped
    assert model.get_env().observation_space.dtype == np.float64


def test_normalised_observations_are_refused_wherever_they_come_in(
    box_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = PRESA_CASE.trained(box_dataset)
    model.save(tmp_path / "model")
    normalised = VecNormalize(make_vec_env(env_id("box")))
    with pytest.raises(ConfigError, match="norm_obs"):
        PRESA_CASE.make(box_dataset, env=normalised)
    with pytest.raises(ConfigError, match="norm_obs"):
        model.set_env(normalised)
    with pytest.raises(ConfigError, match="norm_obs"):
        PRESA_CASE.algorithm.load(tmp_path / "model", env=normalised)
    rewards_only = VecNormalize(make_vec_env(env_id("box")), norm_obs=False)
    learn_quietly(PRESA_CASE.make(box_dataset, env=rewards_only), TINY_STEPS)


def test_a_model_without_spaces_takes_those_of_its_environment(
    box_dataset: MinariDataset,
) -> None:
    settings = {"device": "cpu", "seed": 0, "policy_kwargs": {"net_arch": [8]}}
    model = PRESA_CASE.algorithm("MlpPolicy", **settings, **PRESA_CASE.settings)
    with pytest.raises(ConfigError, match="norm_obs"):
        model.set_env(VecNormalize(make_vec_env(env_id("box"))))
    with pytest.raises(ConfigError, match="must be 'MultiInputPolicy'"):
        model.set_env(gym.make(env_id("dict")))
    four = make_vec_env(env_id("box"), n_envs=4)
    model.set_env(four)
    assert (model.get_env(), model.n_envs) == (four, 4)
    assert actions(model).shape == (10, 2)
    model.set_dataset(box_dataset, tiny_feedback(box_dataset))
    assert_same_weights(learn_quietly(model, TINY_STEPS), PRESA_CASE.trained(box_dataset))


@every_case
def test_a_model_without_spaces_says_what_it_wants(case: Case, tmp_path: Path) -> None:
    model = case.algorithm("MlpPolicy", device="cpu")
    uses: list[Callable[[], Any]] = [
        lambda: model.save(tmp_path / "model"),
        lambda: model.predict(OBSERVATIONS),
        model.get_parameters,
        lambda: model.set_parameters({}),
        lambda: model.learn(TINY_STEPS),
    ]
    for use in uses:
        with pytest.raises(ConfigError, match=r"load_offline\(dataset\).*set_dataset\(dataset\)"):
            use()
    assert [*tmp_path.iterdir()] == []


# --- going on -------------------------------------------------------------------------------


def stop_at(step: int) -> Callable[[dict[str, Any], dict[str, Any]], bool]:
    return lambda locals_, _: locals_["self"].num_timesteps < step


HELD_OUT: dict[str, Any] = {"validation_fraction": 0.2}
RUNS: list[tuple[Case, int, dict[str, Any]]] = [
    *[(case, stop, {}) for case in CASES for stop in case.stops],
    *[(PRESA_CASE, stop, HELD_OUT) for stop in PRESA_CASE.stops],
    (PRESA_CASE, 12, {"precision": "bfloat16"}),
]


@pytest.mark.parametrize(("case", "stop", "kwargs"), RUNS)
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    case: Case, stop: int, kwargs: dict[str, Any], box_dataset: MinariDataset, tmp_path: Path
) -> None:
    """In each phase and at each phase's end: bit for bit."""
    whole = case.trained(box_dataset, **kwargs)
    part = case.make(box_dataset, **kwargs)
    learn_quietly(part, TINY_STEPS, callback=stop_at(stop))
    assert part.num_timesteps == stop
    part.save(tmp_path / "part")
    resumed = case.algorithm.load(tmp_path / "part", device="cpu")
    resumed.set_dataset(box_dataset, tiny_feedback(box_dataset))
    learn_quietly(resumed, TINY_STEPS - stop, reset_num_timesteps=False)
    assert resumed.num_timesteps == TINY_STEPS
    assert_same_weights(whole, resumed)


@every_case
def test_a_loaded_model_takes_another_seed(
    case: Case, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    """At ``load`` or afterwards; without one it goes on with its own."""
    case.trained(box_dataset, seed=1).save(tmp_path / "model")

    def goes_on(new_seed: int | None = None, **kwargs: Any) -> Any:
        model = case.algorithm.load(tmp_path / "model", device="cpu", **kwargs)
        model.set_random_seed(new_seed)
        model.set_dataset(box_dataset, tiny_feedback(box_dataset))
        return learn_quietly(model, 3, reset_num_timesteps=False)

    unchanged, second, third = goes_on(), goes_on(2), goes_on(3)
    assert_same_weights(unchanged, goes_on(1))
    assert_same_weights(unchanged, goes_on(seed=None))
    assert_same_weights(second, goes_on(seed=2))
    name = "/policy/actor.head.mean.weight"
    weights = [weights_of(model)[name] for model in (unchanged, second, third)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not np.array_equal(weights[one], weights[other])


@pytest.mark.parametrize("name", ["presa", "trac", "safe-rlhf"])
def test_a_run_with_another_seed_goes_on_as_if_it_had_not_been_stopped(
    name: str, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    """What is held out, and what an algorithm draws of its data, stays as it was."""
    case = next(case for case in CASES if case.name == name)
    whole, part = (case.make(box_dataset, **HELD_OUT) for _ in range(2))
    for model in (whole, part):
        model.set_random_seed(5)
    learn_quietly(whole, TINY_STEPS)
    learn_quietly(part, TINY_STEPS, callback=stop_at(12)).save(tmp_path / "part")
    resumed = case.algorithm.load(tmp_path / "part", device="cpu")
    resumed.set_dataset(box_dataset, tiny_feedback(box_dataset))
    learn_quietly(resumed, TINY_STEPS - 12, reset_num_timesteps=False)
    assert_same_weights(whole, resumed)


def test_a_seed_that_is_set_before_there_are_data(box_dataset: MinariDataset) -> None:
    model = PRESA_CASE.algorithm(
        "MlpPolicy", device="cpu", policy_kwargs={"net_arch": [8]}, **PRESA_CASE.settings
    )
    model.set_random_seed(3)
    model.set_dataset(box_dataset, tiny_feedback(box_dataset))
    learn_quietly(model, TINY_STEPS)
    assert_same_weights(model, PRESA_CASE.trained(box_dataset, seed=3))


@every_case
def test_other_data_leave_a_trained_policy_as_it_is(
    case: Case, make_dataset: Callable[[Kind], MinariDataset]
) -> None:
    """The statistics that observations are standardised with belong to the weights."""
    model = case.trained(make_dataset("box"))
    expected = actions(model)
    other = random_dataset("other", model.observation_space, model.action_space)
    model.set_dataset(other, tiny_feedback(other))
    assert np.array_equal(actions(model), expected)


@every_case
def test_a_loaded_model_wants_its_dataset_before_it_learns(
    case: Case, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    case.trained(box_dataset).save(tmp_path / "model")
    loaded = case.algorithm.load(tmp_path / "model", device="cpu")
    with pytest.raises(ConfigError, match=r"set_dataset\(dataset\)"):
        loaded.learn(TINY_STEPS)
    with pytest.raises(ConfigError, match=r"load_offline\(dataset\)"):
        case.algorithm(device="cpu").learn(TINY_STEPS)


@every_case
def test_models_without_a_seed_differ_and_still_go_on_exactly(
    case: Case, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = case.trained(box_dataset, seed=None)
    th.manual_seed(0)
    model.save(tmp_path / "model")
    loaded = case.algorithm.load(tmp_path / "model", device="cpu")
    loaded.set_dataset(box_dataset, tiny_feedback(box_dataset))
    for one in (model, loaded):
        learn_quietly(one, 3, reset_num_timesteps=False)
    assert_same_weights(model, loaded)
    assert case.make(box_dataset, seed=None).data_seed != model.data_seed
