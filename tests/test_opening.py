"""What a folder says of itself: nothing of it is run, and training needs no environment."""

import json
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec
from made_up import episode, write
from minari import MinariDataset
from toy_envs import HORIZON, PointEnv

from sb3_presa.data.datasets import dataset_horizon, names_environment, resolve_dataset
from sb3_presa.data.episodes import load_transitions
from sb3_presa.errors import DatasetError

Edit = Callable[[dict[str, Any]], object]


def metadata_path(dataset: MinariDataset) -> Path:
    return Path(dataset.storage.data_path) / "metadata.json"


def edit_metadata(dataset: MinariDataset, edit: Edit) -> str:
    path = metadata_path(dataset)
    entries = json.loads(path.read_text())
    edit(entries)
    path.write_text(json.dumps(entries))
    return str(dataset.id)


def old_spec(**changes: Any) -> str:
    """As Gymnasium 0.29 wrote it, with settings that 1.0 has no more."""
    entries = json.loads(gym.spec("toy/PointBox-v0").to_json())
    return json.dumps(
        entries
        | {"autoreset": True, "apply_api_compatibility": False, "order_enforce": True}
        | changes
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("key", ["env_spec", "eval_env_spec"])
def test_specifications_of_an_old_gymnasium_are_read(box_dataset: MinariDataset, key: str) -> None:
    for spec in (old_spec(), old_spec(apply_api_compatibility=True), old_spec(order_enforce=False)):
        name = edit_metadata(box_dataset, partial(dict.update, **{key: spec}))
        opened = resolve_dataset(name)
        assert isinstance(opened.recover_environment(eval_env=True).unwrapped, PointEnv)
        assert opened.env_spec is not None
        assert opened.env_spec.max_episode_steps == HORIZON == dataset_horizon(name)
        assert load_transitions(name).dataset_id == name
        kept = opened.filter_episodes(lambda one: one.id < 3)
        assert len(load_transitions(kept).episode_ids) == 3


@pytest.mark.filterwarnings("error")
def test_a_specification_without_wrappers_is_read(box_dataset: MinariDataset) -> None:
    entries = json.loads(old_spec())
    del entries["additional_wrappers"]
    name = edit_metadata(box_dataset, lambda m: m.update(env_spec=json.dumps(entries)))
    assert names_environment(resolve_dataset(name))


@pytest.mark.filterwarnings("ignore:.*its eval_env_spec cannot be read")
@pytest.mark.parametrize(
    "spec",
    [
        "{",
        "[]",
        old_spec(id="no id!"),
        old_spec(additional_wrappers=[{"name": "of another kind"}]),
        json.loads(old_spec()),
    ],
)
def test_data_with_an_environment_that_cannot_be_read_are_read(
    box_dataset: MinariDataset, spec: Any
) -> None:
    name = edit_metadata(box_dataset, lambda m: m.update(env_spec=spec, eval_env_spec=spec))
    with pytest.warns(
        UserWarning, match=r"env_spec of dataset 'toy/box-v0' cannot be read \(.*name one"
    ):
        opened = resolve_dataset(name)
    assert opened.env_spec is None
    assert not names_environment(opened)
    assert len(load_transitions(opened).episode_ids) == 24
    assert dataset_horizon(opened) <= HORIZON


@pytest.mark.parametrize("missing", ["observation_space", "action_space"])
def test_no_environment_is_made_for_its_spaces(
    box_dataset: MinariDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    (tmp_path / "evil_module.py").write_text("raise SystemExit('this file was run')")
    monkeypatch.syspath_prepend(tmp_path)
    spec = EnvSpec("evil/Env-v0", entry_point="evil_module:Env").to_json()

    def edit(entries: dict[str, Any]) -> None:
        del entries[missing]
        entries["env_spec"] = spec

    name = edit_metadata(box_dataset, edit)
    with pytest.raises(DatasetError, match=rf"must contain {missing}, got none .* runs code"):
        resolve_dataset(name)
    assert "evil_module" not in sys.modules


@pytest.mark.parametrize("count", [2**45, -1, "many", None])
def test_more_episodes_than_the_files_can_hold_are_refused(
    box_dataset: MinariDataset, count: Any
) -> None:
    """Minari makes an array of as many numbers."""
    name = edit_metadata(box_dataset, lambda entries: entries.update(total_episodes=count))
    with pytest.raises(
        DatasetError, match=rf"`total_episodes` must be an integer from 0 to .*, got {count}:"
    ):
        resolve_dataset(name)


def test_a_folder_that_lacks_what_it_needs_is_named(box_dataset: MinariDataset) -> None:
    for key in ("total_episodes", "dataset_id", "data_format", "minari_version"):
        entries = json.loads(metadata_path(box_dataset).read_text())
        kept = {name: value for name, value in entries.items() if name != key}
        metadata_path(box_dataset).write_text(json.dumps(kept))
        with pytest.raises(DatasetError, match=rf"toy/box-v0/data cannot be opened: .*{key}"):
            resolve_dataset("toy/box-v0")
        metadata_path(box_dataset).write_text(json.dumps(entries))


def test_nothing_is_said_of_good_data(minari_root: Path) -> None:
    write("plain-v0", [episode(3)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve_dataset("plain-v0").id == "plain-v0"
