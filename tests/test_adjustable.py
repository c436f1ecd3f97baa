"""One agent for all safety levels: the network sees the level, and the user turns it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import TINY_PRESA, tiny_feedback
from fitted_once import labels_fitted_once  # noqa: F401
from minari import MinariDataset
from test_completed import clips, logged  # noqa: F401 - a fixture
from toy_envs import env_id
from typer.testing import CliRunner

from sb3_presa import BC, PRESA, Feedback, learn_many
from sb3_presa.cli import app
from sb3_presa.completion import complete
from sb3_presa.deploy.metadata import metadata_of
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.learning.alignment import Align
from sb3_presa.learning.offline_data import LEVELS
from sb3_presa.learning.phases import Clone

SETTINGS: dict[str, Any] = {**TINY_PRESA, "completion": True, "seed": 0, "device": "cpu"}


def presa(logged: Any, **settings: Any) -> PRESA:  # noqa: F811
    return PRESA.load_offline(
        logged[0], clips(logged), **{**SETTINGS, "adjustable": True, **settings}
    )


@pytest.fixture(scope="module")
def trained(logged: Any) -> PRESA:  # noqa: F811
    return presa(logged, n_cloning_steps=150, cloning_batch_size=128).learn(160)


def acts(model: PRESA) -> Any:
    observations = np.array([[-1.0, 0.0], [1.0, 0.5]], dtype=np.float32)
    return model.predict(observations, deterministic=True)[0]


def test_the_level_changes_how_it_acts(trained: PRESA) -> None:
    assert trained.safety_level == 0.7
    found: dict[float, list[Any]] = {}
    for level in (0.3, 0.9, 0.3):
        trained.safety_level = level
        found.setdefault(level, []).append(acts(trained))
    trained.safety_level = 0.7
    assert np.array_equal(found[0.3][0], found[0.3][1])
    assert np.abs(found[0.3][0] - found[0.9][0]).max() > 1e-4


def test_saved_and_loaded_at_any_level(trained: PRESA, tmp_path: Path) -> None:
    trained.save(tmp_path / "agent")
    assert np.array_equal(acts(PRESA.load(tmp_path / "agent", device="cpu")), acts(trained))
    cautious = PRESA.load(tmp_path / "agent", device="cpu", safety_level=0.9)
    assert cautious.safety_level == 0.9
    assert cautious.policy.safety_level == pytest.approx(0.9)
    assert metadata_of(cautious, None, channels_last=False)["safety_level"] == 0.9
    trained.safety_level = 0.9
    assert np.array_equal(acts(cautious), acts(trained))
    trained.safety_level = 0.7
    with pytest.raises(ConfigError, match=r"`safety_level` must be .*got 1\.5"):
        PRESA.load(tmp_path / "agent", device="cpu", safety_level=1.5)


def test_levels_out_of_range_and_agents_of_one_level(
    logged: Any,  # noqa: F811
    trained: PRESA,
    tmp_path: Path,
) -> None:
    levels: list[Any] = [0, "x", None]
    for wrong in levels:
        with pytest.raises(ConfigError, match=rf"`safety_level` must be .*, got {wrong!r}"):
            trained.safety_level = wrong
    one = presa(logged, adjustable=False)
    with pytest.raises(ConfigError, match=r"must be adjustable .*PRESA\(adjustable=True\)"):
        one.safety_level = 0.9
    assert one.safety_level == 0.7
    one.save(tmp_path / "one")
    assert PRESA.load(tmp_path / "one", device="cpu", safety_level=0.7).safety_level == 0.7
    with pytest.raises(ConfigError, match=r"must be adjustable .*PRESA\(adjustable=True\)"):
        PRESA.load(tmp_path / "one", device="cpu", safety_level=0.9)


def test_each_level_clones_its_own_selection(logged: Any) -> None:  # noqa: F811
    """As many transitions for each, drawn from what is selected at it alone, and beginnings."""
    model = presa(logged, cloning_batch_size=52)
    safe, clone = model.phases(20)[:2]
    assert isinstance(clone, Clone) and clone.levels is not None
    rows = clone.sample(th.Generator().manual_seed(0))
    drawn = [int((clone.levels == level).sum()) for level in clone.levels.unique()]
    assert clone.levels.unique().tolist() == pytest.approx(LEVELS)
    assert drawn == [11, 11, 10, 10, 10]
    completion = complete(logged[0], clips(logged), seed=model.data_seed)
    episodes, steps = np.divmod(rows.numpy(), 30)
    for level in LEVELS:
        chosen = np.flatnonzero(completion.selected(level))
        own = np.isclose(clone.levels.numpy(), level)
        assert np.isin(episodes[own & (steps >= 3)], chosen).all()
    assert isinstance(safe, Clone) and safe.levels is not None
    assert th.equal(safe.levels, clone.levels)
    assert len(safe.sample(th.Generator().manual_seed(0))) == 52


def test_alignment_is_at_the_level_of_each_pair(logged: Any) -> None:  # noqa: F811
    """Log-ratios, and what the cloning term counts, are of the level that was drawn."""
    model = presa(logged)
    align = model.phases(20)[2]
    assert isinstance(align, Align)
    align.enter()
    align.prepare()
    batch = align.sample(th.Generator().manual_seed(0))
    assert batch.columns is not None
    labels = model.require_source().training
    log_prob = align._log_prob(model.policy.actor, batch)
    pairs = align.pair_batch(batch, log_prob)
    assert float(pairs.log_ratio.detach().abs().max()) == 0.0  # the reference, level by level
    assert labels.weights is not None and pairs.segment_weights is not None
    for row, column in enumerate(batch.columns.tolist()):
        segments = labels.pairs[batch.pairs[row]]
        assert pairs.segment_weights[row].tolist() == labels.weights[segments, column].tolist()
    with th.no_grad():
        first = model.policy.actor.mlp[0]
        assert isinstance(first, th.nn.Linear)
        first.weight[:, -1] += 1.0  # of the level alone
    changed = align.pair_batch(batch, align._log_prob(model.policy.actor, batch))
    assert float(changed.log_ratio.detach().abs().max()) > 0.0


def test_labels_of_levels_are_saved_and_shared(logged: Any) -> None:  # noqa: F811
    made = complete(logged[0], clips(logged)).feedback(LEVELS, seed=0)
    made.save(logged[0], "levels")
    read = Feedback.load(logged[0], "levels")
    assert read.levels is not None and read.weights is not None and made.weights is not None
    assert read.levels.tolist() == list(LEVELS)
    assert np.array_equal(read.weights, made.weights) and read.weights.shape[1] == len(LEVELS)
    part = read.subset(read.segments[:, 0] < 30)
    assert part.weights is not None and part.weights.shape == (len(part.segments), len(LEVELS))
    assert (part.segments[:30, 2] == 30).all() and (part.segments[30:, 2] == 3).all()
    model = PRESA.load_offline(logged[0], "levels", **SETTINGS, adjustable=True)
    assert model.feedback is not None and model.feedback.levels is not None
    # An agent of one level takes the nearest
    other = PRESA.load_offline(logged[0], "levels", **SETTINGS, safety_level=0.88)
    rows = other.phases(20)[1].sample(th.Generator().manual_seed(0)).numpy()
    whole = rows[rows % 30 >= 3] // 30
    assert np.isin(whole, np.flatnonzero(read.weights[:, 4])).all()
    training = other.require_source().training  # and of no other, in alignment either
    assert training.levels is None and training.weights is not None
    assert np.array_equal(training.weights.numpy(), read.weights[:, 4])


def test_what_cannot_be_adjusted_is_refused(logged: Any, trained: PRESA) -> None:  # noqa: F811
    with pytest.raises(FeedbackError, match="`adjustable` is True"):
        presa(logged, completion=False)
    with pytest.raises(ConfigError, match=r"`cloning_batch_size` must be at least 5 .*got 4"):
        presa(logged, cloning_batch_size=4)
    with pytest.raises(ConfigError, match=r"`safety_level` must be in \(0, 1\), got 5"):
        PRESA().safety_level = 5
    nothing = replace(clips(logged), weights=np.zeros(len(clips(logged).segments), dtype="f4"))
    with pytest.raises(FeedbackError, match="a segment whose weight is above 0, got none"):
        PRESA.load_offline(logged[0], nothing, **SETTINGS)
    with pytest.raises(ConfigError, match=r"`adjustable` must be False .*model 0"):
        learn_many([presa(logged), presa(logged)], total_timesteps=12)


@pytest.mark.parametrize(
    ("weights", "levels", "message"),
    [
        ([[1.0, 0.0]] * 2, [0.5], r"shape \(2, 1\)"),
        ([1.0, 0.0], [0.5, 0.7], r"shape \(2, 2\)"),
        ([[1.0, 0.0]] * 2, [0.7, 0.5], "must rise"),
        ([[1.0, 0.0]] * 2, [0.0, 0.5], r"lie in \(0, 1\)"),
        ([[1.0, 0.0]] * 2, [], "one or more"),
        (None, [0.5], "without `weights`"),
    ],
)
def test_wrong_levels_are_refused(logged: Any, weights: Any, levels: Any, message: str) -> None:  # noqa: F811
    with pytest.raises(FeedbackError, match=message):
        Feedback.create(logged[0], [(0, 0, 5), (1, 0, 5)], [1, 0], weights=weights, levels=levels)


def test_at_the_command_line(box_dataset: MinariDataset, tmp_path: Path) -> None:
    settings = {**SETTINGS, "adjustable": True, "n_cloning_steps": 30}
    path = tmp_path / "agent.zip"
    PRESA.load_offline(box_dataset, tiny_feedback(box_dataset), **settings).learn(40).save(path)
    run = ["evaluate", str(path), "--env", env_id("box"), "--cost-limit", "5", "--episodes", "1"]
    rewards = []
    for level in ("0.1", "0.9"):
        file = tmp_path / level
        result = CliRunner().invoke(app, [*run, "--safety-level", level, "--json", str(file)])
        assert result.exit_code == 0, result.output
        rewards.append(json.loads(file.read_text())["reward_mean"])
    assert rewards[0] != rewards[1]
    BC.load_offline(box_dataset, None, seed=0).learn(2).save(path)
    refused = CliRunner().invoke(app, [*run, "--safety-level", "0.5"])
    assert (
        refused.exit_code == 1
        and "--safety-level must be left out: the policy of" in refused.stderr
    )
