"""The policies: distributions, scales of actions, standardised observations."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import one_thread  # noqa: F401
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.torch_layers import NatureCNN
from stable_baselines3.common.utils import FloatSchedule

from sb3_presa.errors import ConfigError
from sb3_presa.policies.actor import CategoricalHead, GaussianHead, ObservationStandardizer
from sb3_presa.policies.policy import CnnPolicy, MlpPolicy, MultiInputPolicy, OfflinePolicy

VECTOR = spaces.Box(-1.0, 1.0, (3,))
UNIT = spaces.Box(-1.0, 1.0, (2,))
FEATURES = th.linspace(-2, 2, 20).reshape(5, 4)


def make(
    observation_space: gym.Space[Any] = VECTOR, action_space: gym.Space[Any] = UNIT, **kwargs: Any
) -> OfflinePolicy:
    th.manual_seed(0)
    kwargs = {"net_arch": [8], **kwargs}
    return MlpPolicy(observation_space, action_space, FloatSchedule(1e-3), **kwargs)


# --- action heads ---------------------------------------------------------------------------


def test_gaussian_head_is_a_normal_distribution_with_a_tanh_mean() -> None:
    head = GaussianHead(4, spaces.Box(-1, 1, (2,)), action_std=0.4)
    mean = th.tanh(head.mean(FEATURES))
    actions = th.linspace(-0.9, 0.9, 10).reshape(5, 2)
    expected = th.distributions.Normal(mean, 0.4).log_prob(actions).sum(-1)
    assert th.allclose(head.log_prob(FEATURES, actions), expected, atol=1e-5)
    assert th.equal(head.mode(FEATURES), mean)
    # an action at its bound counts as one a hair inside, beyond which tanh would have to go
    inside = th.full((5, 2), 1 - 1e-5)
    at_bound = head.log_prob(FEATURES, th.ones(5, 2))
    assert th.equal(at_bound, head.log_prob(FEATURES, inside))


def spreads(*half_ranges: float) -> list[float]:
    """Those of actions that are as often at one end of these ranges as at the other."""
    head = GaussianHead(4, spaces.Box(-1, 1, (len(half_ranges),)), action_std=0.4)
    ends = th.tensor(half_ranges)
    head.fit(th.stack([ends, -ends]))
    units: list[float] = head.spread.tolist()
    return units


def test_a_narrow_dimension_of_actions_has_a_unit_of_its_own() -> None:
    root = 3**0.5  # uniform actions of this deviation reach so much farther
    assert spreads(1.0, 0.05, 0.5) == pytest.approx([1.0, 0.05 * root, 1.0])
    assert spreads(0.5 / root, 0.05 / root) == pytest.approx([1.0, 0.1]), "it counts no more"
    assert spreads(0.05, 0.03) == [1.0, 1.0], "neither is narrow beside the other"
    assert spreads(1.0, 0.0, 1e-4) == pytest.approx([1.0, 1.0, 0.01]), "constant, and nearly so"


def test_a_narrow_dimension_is_normal_in_its_unit() -> None:
    head = GaussianHead(4, spaces.Box(-1, 1, (2,)), action_std=0.4)
    head.fit(th.tensor([[0.05, 1.0], [-0.05, -1.0]]))
    actions = th.linspace(-0.9, 0.9, 10).reshape(5, 2)
    expected = th.distributions.Normal(head.mode(FEATURES), 0.4 * head.spread).log_prob(actions)
    assert th.allclose(head.log_prob(FEATURES, actions), expected.sum(-1), rtol=1e-4)
    th.nn.init.zeros_(head.mean.bias)
    drawn = head.sample(th.zeros(4000, 4))
    assert drawn.std(0)[0].item() == pytest.approx(0.4 * 0.05 * 3**0.5, rel=0.1)


def test_rare_full_strength_in_a_narrow_dimension_is_kept() -> None:
    """An emergency brake in a step of 500: the unit grows by it, and nothing is cut."""
    head = GaussianHead(4, spaces.Box(-1, 1, (2,)), action_std=0.4)
    actions = th.tensor([[0.05, 1.0], [-0.05, -1.0]]).repeat(500, 1)
    actions[::500, 0] = -1.0
    head.fit(actions)
    assert head.spread[0].item() == pytest.approx(3**0.5 * float(actions[:, 0].std(correction=0)))
    th.nn.init.zeros_(head.mean.bias)  # the mean at features of 0
    harder, softer = head.log_prob(th.zeros(2, 4), th.tensor([[-1.0, 0], [-0.9, 0]])).tolist()
    assert harder < softer, "told apart"


def test_categorical_head_is_a_product_of_categoricals() -> None:
    head = CategoricalHead(4, [2, 3])
    logits = head.logits(FEATURES)
    parts = [th.distributions.Categorical(logits=part) for part in logits.split([2, 3], dim=-1)]
    every = [(first, second) for first in range(2) for second in range(3)]
    total = th.zeros(5)
    for choice in every:
        actions = th.tensor(choice).expand(5, 2)
        log_prob = head.log_prob(FEATURES, actions)
        expected = sum(part.log_prob(actions[:, i]) for i, part in enumerate(parts))
        assert th.allclose(log_prob, th.as_tensor(expected), atol=1e-6)
        total += log_prob.exp()
    assert th.allclose(total, th.ones(5), atol=1e-6)
    best = th.stack([part.probs.argmax(-1) for part in parts], dim=-1)
    assert th.equal(head.mode(FEATURES), best)


def test_samples_follow_the_distribution() -> None:
    """Means of 20,000 samples within 5 standard errors (by chance missed in 1 of 150,000 seeds)."""
    th.manual_seed(0)
    features = FEATURES[2:3].expand(20_000, 4)
    gaussian = GaussianHead(4, spaces.Box(-1, 1, (1,)), action_std=0.1)
    th.nn.init.zeros_(gaussian.mean.weight)
    th.nn.init.constant_(gaussian.mean.bias, 0.3)
    sampled = gaussian.sample(features)
    assert abs(sampled.mean().item() - np.tanh(0.3)) < 5 * 0.1 / np.sqrt(20_000)
    assert sampled.std().item() == pytest.approx(0.1, rel=0.05)
    categorical = CategoricalHead(4, [2, 3])
    chosen = categorical.sample(features)
    probability = categorical.log_prob(features[:1], th.tensor([[1, 2]])).exp().item()
    share = (chosen == th.tensor([1, 2])).all(-1).double().mean().item()
    error = np.sqrt(probability * (1 - probability) / 20_000)
    assert abs(share - probability) < 5 * error


# --- actions in and out ---------------------------------------------------------------------


@given(
    low=st.floats(-100, 100, width=32),
    width=st.floats(1 / 64, 100, width=32),
    share=st.floats(0, 1, width=32),
)
def test_scaled_actions_come_back_from_predict(low: float, width: float, share: float) -> None:
    """The action that a policy is certain of in its own scale is the logged one in the user's."""
    bounds = np.array([[low, -1], [low + width, 3]], dtype=np.float32)
    space = spaces.Box(*bounds)
    policy = make(action_space=space)
    logged = np.array([[low + share * width, 0.0]], dtype=np.float32)
    logged = np.clip(logged, space.low, space.high)
    scaled = policy.scale_actions(th.as_tensor(logged))
    assert (scaled.abs() <= 1 + 1e-3 * max(1, abs(low) / width)).all()
    assert scaled[0, 1].item() == pytest.approx(-0.5)
    head = policy.actor_average.head
    assert isinstance(head, GaussianHead)
    with th.no_grad():
        head.mean.weight.zero_()
        head.mean.bias.copy_(th.atanh(scaled[0].clamp(-0.9999999, 0.9999999)))
    predicted, _ = policy.predict(np.zeros(3, np.float32), deterministic=True)
    assert space.contains(predicted)
    tolerance = 1e-4 * (width + abs(low))
    assert np.allclose(predicted, logged[0], atol=tolerance)


@pytest.mark.parametrize(
    ("space", "logged", "scaled"),
    [
        (spaces.Discrete(4, start=7), [7, 10], [[0], [3]]),
        (spaces.MultiDiscrete([2, 3], start=[5, -2]), [[5, -2], [6, 0]], [[0, 0], [1, 2]]),
    ],
)
def test_discrete_actions_count_from_zero_inside(space: Any, logged: Any, scaled: Any) -> None:
    policy = make(action_space=space)
    assert policy.scale_actions(th.tensor(logged)).tolist() == scaled
    observations = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    for deterministic in (True, False):
        predicted, _ = policy.predict(observations, deterministic=deterministic)
        assert all(space.contains(space.dtype.type(action)) for action in predicted)


def test_the_average_acts() -> None:
    policy = make()
    observation = np.ones(3, dtype=np.float32)
    before, _ = policy.predict(observation, deterministic=True)
    with th.no_grad():
        for bias in policy.actor.head.parameters():
            bias.fill_(5.0)
    assert np.array_equal(policy.predict(observation, deterministic=True)[0], before)
    policy.freeze_reference()
    assert (policy.predict(observation, deterministic=True)[0] > 0.99).all()


def test_only_the_actor_is_trained_and_the_copies_share_nothing_with_it() -> None:
    policy = make()
    trained = {id(p) for group in policy.optimizer.param_groups for p in group["params"]}
    assert trained == {id(p) for p in policy.actor.parameters()}
    for copy in (policy.actor_average, policy.actor_reference):
        assert not any(p.requires_grad for p in copy.parameters())
        with th.no_grad():
            for p in policy.actor.parameters():
                p.add_(1.0)
        mine, theirs = next(policy.actor.parameters()), next(copy.parameters())
        assert not th.equal(mine, theirs)
    policy.freeze_reference()
    for copy in (policy.actor_average, policy.actor_reference):
        for mine, theirs in zip(policy.actor.parameters(), copy.parameters(), strict=True):
            assert th.equal(mine, theirs)
            assert mine.data_ptr() != theirs.data_ptr()


# --- observations ---------------------------------------------------------------------------


def test_standardised_observations() -> None:
    """Mean 0 and deviation 1; a constant keeps its scale; outliers are cut at 10."""
    random = np.random.default_rng(0)
    values = random.normal([5.0, -300.0, 7.0], [2.0, 50.0, 0.0], (1000, 3)).astype(np.float32)
    standardizer = ObservationStandardizer(VECTOR)
    standardizer.fit(th.as_tensor(values))
    standard = standardizer(th.as_tensor(values))
    assert isinstance(standard, th.Tensor)
    assert th.allclose(standard.mean(0), th.zeros(3), atol=1e-4)
    assert th.allclose(standard[:, :2].std(0), th.ones(2), atol=1e-2)
    far = standardizer(th.tensor([[5.0 + 2e3, -300.0 - 5e4, 7.5]]))
    assert isinstance(far, th.Tensor)
    assert far.flatten().tolist() == pytest.approx([10.0, -10.0, 0.5])


@pytest.mark.parametrize("clip_obs", [1.5, 5.0, 10.0, float("inf")])
def test_a_rare_coordinate_that_strays_further_in_the_data_is_cut_at_2(clip_obs: float) -> None:
    """
    Of the second coordinate one in a thousand is 31.6 deviations off. The first has no such value;
    the third has one as well, but is beyond 2 deviations ten times as often.
    """
    values = th.zeros(1000, 3)
    values[::2, 0] = 1.0
    values[3, 1] = -1.0
    values[:9, 2], values[9, 2] = 3.0, 30.0
    standardizer = ObservationStandardizer(VECTOR, clip_obs)
    standardizer.fit(values)
    far = standardizer(th.tensor([[1e6] * 3, [-1e6] * 3]))
    assert isinstance(far, th.Tensor)
    if clip_obs < float("inf"):
        rare = min(2.0, clip_obs)
        assert far.tolist() == [[clip_obs, rare, clip_obs], [-clip_obs, -rare, -clip_obs]]
    else:
        assert far.abs().min() > 1e5, "infinity cuts none"


def test_a_policy_does_not_tell_apart_what_lies_beyond_clip_obs() -> None:
    policy = make(clip_obs=2.0)
    policy.fit_statistics(th.tensor([[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]), th.zeros(2, 2))
    observations = np.array([[1.9, 0, 0], [2.0, 0, 0], [50.0, 0, 0]], np.float32)
    near, limit, far = policy.predict(observations, deterministic=True)[0]
    assert np.array_equal(limit, far)
    assert not np.array_equal(near, limit)


def test_only_vectors_are_standardised() -> None:
    space = spaces.Dict(
        {
            "vector": VECTOR,
            "image": spaces.Box(0, 255, (3, 36, 36), np.uint8),
            "gear": spaces.Discrete(3),
        }
    )
    observations = {
        "vector": th.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]),
        "image": th.full((2, 3, 36, 36), 200, dtype=th.uint8),
        "gear": th.tensor([1, 2]),
    }
    standardizer = ObservationStandardizer(space)
    standardizer.fit(observations)
    standard = standardizer(observations)
    assert isinstance(standard, dict)
    assert standard["vector"].tolist() == [[-1.0, 0.0, 1.0], [1.0, 0.0, -1.0]]
    for key in ("image", "gear"):
        assert th.equal(standard[key], observations[key])


def test_statistics_are_saved_with_the_policy_and_reach_all_three_actors(tmp_path: Path) -> None:
    policy = make()
    policy.fit_statistics(th.tensor([[1.0, 2.0, 3.0], [3.0, 6.0, 3.0]]), th.zeros(2, 2))
    policy.save(str(tmp_path / "policy"))
    loaded = MlpPolicy.load(str(tmp_path / "policy"))
    for actor in (loaded.actor, loaded.actor_average, loaded.actor_reference):
        statistics = dict(actor.standardizer.named_buffers())
        assert statistics["mean_0"].tolist() == [2.0, 4.0, 3.0]
        assert statistics["std_0"].tolist() == [1.0, 2.0, 1.0]
        standard = actor.standardizer(th.tensor([[3.0, 4.0, 1e4]]))
        assert standard.tolist() == [[1.0, 0.0, 10.0]], "what is made of the statistics follows"


def test_units_of_narrow_actions_are_saved_and_older_policies_have_none(tmp_path: Path) -> None:
    policy = make()
    policy.fit_statistics(th.zeros(2, 3), th.tensor([[0.05, 1.0], [-0.05, -1.0]]))
    policy.save(str(tmp_path / "policy"))
    loaded = MlpPolicy.load(str(tmp_path / "policy"))

    def units() -> list[list[float]]:
        state = loaded.state_dict()
        return [value.tolist() for name, value in state.items() if name.endswith("head.spread")]

    assert units() == [pytest.approx([0.05 * 3**0.5, 1.0])] * 3
    older = {k: v for k, v in policy.state_dict().items() if not k.endswith("spread")}
    loaded.load_state_dict(older)
    assert units() == [[1.0, 1.0]] * 3


@pytest.mark.parametrize("parts", [{"a": VECTOR}, {"a": VECTOR, "b": spaces.Discrete(4)}])
def test_features_are_those_of_sb3s_preprocessing(parts: dict[str, spaces.Space[Any]]) -> None:
    actor = MultiInputPolicy(spaces.Dict(parts), UNIT, FloatSchedule(1e-3)).actor
    observations = {key: th.as_tensor(space.sample())[None] for key, space in parts.items()}
    standardized = actor.standardizer(observations)
    extracted = actor.extract_features(standardized, actor.features_extractor)
    assert th.equal(actor(observations), actor.mlp(extracted))


@pytest.mark.parametrize("layer", ["", "actor", "actor_average.mlp.1", "actor_reference.head"])
def test_predict_leaves_no_layer_in_training_mode(layer: str) -> None:
    policy = make()
    policy.set_training_mode(False)
    policy.get_submodule(layer).train()
    policy.predict(np.ones(3, dtype=np.float32), deterministic=True)
    assert not any(module.training for module in policy.modules())
    policy.set_training_mode(True)
    assert all(module.training for module in policy.modules())


# --- architectures --------------------------------------------------------------------------


def test_default_architectures() -> None:
    image = spaces.Box(0, 255, (3, 36, 36), np.uint8)
    schedule = FloatSchedule(1e-3)
    cnn = CnnPolicy(image, UNIT, schedule)
    assert isinstance(cnn.actor.features_extractor, NatureCNN)
    assert cnn.net_arch == []
    mixed = MultiInputPolicy(spaces.Dict({"image": image, "vector": VECTOR}), UNIT, schedule)
    mlp = MlpPolicy(VECTOR, UNIT, schedule)
    for policy in (mixed, mlp):
        assert policy.net_arch == [128, 128]
    assert isinstance(mlp.optimizer, th.optim.Adam)


@pytest.mark.parametrize("net_arch", [[], [4, 5]])
def test_any_number_of_layers(net_arch: list[int]) -> None:
    policy = make(net_arch=net_arch)
    widths = [m.out_features for m in policy.actor.modules() if isinstance(m, th.nn.Linear)]
    assert widths == [*net_arch, 2]


@pytest.mark.parametrize("clip_obs", [0.0, -2.0, float("nan")])
def test_the_limit_of_observations_must_be_positive(clip_obs: float) -> None:
    with pytest.raises(ConfigError, match=f"clip_obs.*{clip_obs}"):
        make(clip_obs=clip_obs)


@pytest.mark.parametrize("action_std", [0.0, -1.0])
def test_a_standard_deviation_must_be_positive(action_std: float) -> None:
    with pytest.raises(ConfigError, match=f"`action_std` must be greater than 0, got {action_std}"):
        make(action_std=action_std)
