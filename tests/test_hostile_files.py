"""Small files that ask for much, and files with one bit or one word changed: a line, no memory."""

import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from minari import MinariDataset

from sb3_presa import Feedback
from sb3_presa.benchmark.suites.suite_yaml import load_yaml
from sb3_presa.collect.recipe import CollectRecipe
from sb3_presa.errors import ConfigError, FeedbackError


def test_aliases_that_multiply_are_refused_before_they_do(tmp_path: Path) -> None:
    """A billion values from nine lines."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 10):
        aliases = ", ".join([f"*a{number - 1}"] * 10)
        lines.append(f"a{number}: &a{number} [{aliases}]")
    path = tmp_path / "suite.yaml"
    path.write_text("\n".join(lines))
    tracemalloc.start()
    with pytest.raises(
        ConfigError, match=r"suite.yaml must have at most 100,000 values, .*aliases"
    ):
        load_yaml(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("base: &b {x: 1}\nother: {<<: *b, y: 2}", {"base": {"x": 1}, "other": {"x": 1, "y": 2}}),
        ("twice: [&a [1], *a]", {"twice": [[1], [1]]}),
        ("", None),
    ],
)
def test_aliases_are_read(text: str, expected: Any, tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    assert load_yaml(path) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]",
        "[" * 5000,
        "? {a: 1}\n: 2",
        "a: !!python/name:os.system",
        "a: 2026-99-99",
    ],
)
def test_other_documents_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"suite\.yaml"):
        load_yaml(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cost_weights = [inf]", "`cost_weights` must be a list of finite numbers"),
        ("cost_weights = [true]", "`cost_weights` must be a list of finite numbers"),
        ("weight_rate = nan", "`weight_rate` must be a finite number"),
        ("reward_range = [-inf, 0.0]", "`reward_range` must be 2 finite numbers"),
        ("n_episodes = 99999999999", r"`n_episodes` must be an integer in \[1, 1,000,000,000\]"),
        ("n_envs = 100000", "`n_envs` must be at most 1,024, got 100000"),
        ("ppo = { n_step = 64 }", r"`ppo\.n_step` is unknown; did you mean 'n_steps'"),
        ("ppo = { learning_rate = inf }", r"`ppo\.learning_rate` must be a number up to"),
        ("ppo = { n_steps = 10000000000000 }", r"`ppo\.n_steps` must be a number up to"),
        ("ppo = { policy_kwargs = { x = inf } }", "`ppo` must contain only finite JSON values"),
        ("ppo = 3", "`ppo` must be a table of settings, got 3"),
        ("policy = 'Other'", "`policy`"),
        ("a = " + "[" * 3000, "is not a TOML file"),
    ],
)
def test_recipes_are_checked_like_suites(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(f"{text}\n")
    with pytest.raises(ConfigError, match=rf"recipe\.toml.*{message}"):
        CollectRecipe.from_toml(path)


def test_feedback_declares_no_more_than_its_file_can_hold(box_dataset: MinariDataset) -> None:
    path = Feedback.synthetic(box_dataset, 10, 5, cost_limit=5.0, seed=0).save(box_dataset)
    with h5py.File(path, "a") as file:
        del file["segments"]
        file.create_dataset("segments", (2**40, 3), "<i8", chunks=(1024, 3), compression="gzip")
    with pytest.raises(FeedbackError, match=r"'segments' must fit .* got 26,388,279,066,624 bytes"):
        Feedback.load(box_dataset)


def test_one_bit_of_feedback_is_refused_or_changes_nothing(box_dataset: MinariDataset) -> None:
    written = Feedback.synthetic(box_dataset, 10, 5, cost_limit=5.0, seed=0)
    path = written.save(box_dataset)
    content = path.read_bytes()
    for bit in np.random.default_rng(0).integers(0, 8 * len(content), 60).tolist():
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            found = Feedback.load(box_dataset)
        except FeedbackError:
            continue
        for name in ("segments", "p_safe", "comparisons", "preferences"):
            np.testing.assert_array_equal(getattr(found, name), getattr(written, name))
