"""Agents go to a hub with their card and come back as data."""

import io
import json
import pickle
import socket
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from algorithm_data import one_thread, tiny_feedback  # noqa: F401
from contract import PRESA_CASE
from fake_hub import FakeHub, running
from minari import MinariDataset
from stable_baselines3 import PPO

from sb3_presa import BC, TraC
from sb3_presa.completion import complete
from sb3_presa.deploy.card import model_card
from sb3_presa.deploy.hub import load_from_hub, push_to_hub
from sb3_presa.deploy.metadata import metadata_of
from sb3_presa.errors import ConfigError


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    with running() as found:
        yield found


def of(hub: FakeHub, tmp_path: Path) -> dict[str, Any]:
    return {"endpoint": hub.url, "token": "hf_test", "cache_dir": tmp_path / "cache"}


def push(model: Any, hub: FakeHub, **options: Any) -> str:
    return push_to_hub(model, "me/agent", endpoint=hub.url, token="hf_test", **options)


def test_an_agent_goes_and_comes_back_without_a_pickle(
    box_dataset: MinariDataset, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = PRESA_CASE.trained(box_dataset)
    picture = tmp_path / "plane.png"
    picture.write_bytes(b"a picture")
    url = push(model, hub, judgement="Cost **3.1** of 20.", picture=picture)
    assert url.startswith(hub.url)
    assert set(hub.files) == {"README.md", "config.json", "model.zip", "picture.png"}
    card = hub.files["README.md"].decode()
    assert card.startswith("---\nlibrary_name: stable-baselines3\n")
    for part in ("toy/box-v0", "| Comparisons | 60 |", "synthetic", "Cost **3.1** of 20."):
        assert part in card
    assert "![What it does](picture.png)" in card
    assert json.loads(hub.files["config.json"])["algorithm"] == "PRESA"

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("something of the file is unpickled")

    with zipfile.ZipFile(io.BytesIO(hub.files["model.zip"])) as archive:
        hub.files["model.zip"] = _with_broken_pickles(archive)
    monkeypatch.setattr(pickle, "loads", refuse)
    loaded = load_from_hub("me/agent", device="cpu", **of(hub, tmp_path))
    observation = np.ones((4, 3), np.float32)
    ours, theirs = (m.predict(observation, deterministic=True)[0] for m in (model, loaded))
    assert np.array_equal(ours, theirs)
    assert loaded.trained_on == model.trained_on


def _with_broken_pickles(archive: zipfile.ZipFile) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as other:
        for name in archive.namelist():
            other.writestr(name, b"boom" if name.endswith(".pth") else archive.read(name))
    return written.getvalue()


def test_a_file_that_would_be_unpickled_is_refused(
    box_dataset: MinariDataset, hub: FakeHub, tmp_path: Path
) -> None:
    push(PRESA_CASE.make(box_dataset), hub)
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(hub.files["model.zip"])) as archive,
        zipfile.ZipFile(written, "w") as other,
    ):
        for name in archive.namelist():
            if not name.startswith("sb3_presa/"):
                other.writestr(name, archive.read(name))
    hub.files["model.zip"] = written.getvalue()
    with pytest.raises(ConfigError, match="pickled Python objects"):
        load_from_hub("me/agent", device="cpu", **of(hub, tmp_path))


def test_what_is_not_an_agent_is_refused(hub: FakeHub, tmp_path: Path) -> None:
    hub.files["model.zip"] = b"nothing"
    with pytest.raises(ConfigError, match="me/agent does not hold a Stable-Baselines3 model"):
        load_from_hub("me/agent", **of(hub, tmp_path))
    with pytest.raises(ConfigError, match="cannot be downloaded"):
        load_from_hub("me/agent", filename="other.zip", **of(hub, tmp_path))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("data", '{"algorithm": "os:system"}')
    hub.files["third.zip"] = written.getvalue()
    with pytest.raises(ConfigError, match=r"must be one of .*got 'os:system'"):
        load_from_hub("me/agent", filename="third.zip", **of(hub, tmp_path))


def test_a_hub_that_refuses_is_told(
    box_dataset: MinariDataset, hub: FakeHub, tmp_path: Path
) -> None:
    model = PRESA_CASE.make(box_dataset)
    hub.refuses = True
    with pytest.raises(ConfigError, match="me/agent cannot be uploaded"):
        push(model, hub)
    with pytest.raises(ConfigError, match="`picture` must be a file"):
        push(model, hub, picture=tmp_path / "none.png")
    assert not hub.files


@pytest.mark.parametrize("wrong", ["agent.zip", None, PPO])
def test_only_models_are_pushed(wrong: Any, hub: FakeHub) -> None:
    with pytest.raises(ConfigError, match=r"`model` must be a model of sb3_presa, .*, got"):
        push(wrong, hub)
    assert not hub.files


def test_names_and_judgements_of_another_type_are_refused(
    box_dataset: MinariDataset, hub: FakeHub, tmp_path: Path
) -> None:
    """Before, these were AttributeErrors from inside the card."""
    model = PRESA_CASE.make(box_dataset)
    nothing: Any = None
    with pytest.raises(ConfigError, match=r"`repo_id` must be a text such as 'me/agent', got None"):
        push_to_hub(model, nothing, endpoint=hub.url, token="hf_test")
    with pytest.raises(ConfigError, match=r"`repo_id` must be a text .*, got None"):
        load_from_hub(nothing, **of(hub, tmp_path))
    with pytest.raises(ConfigError, match=r"`judgement` must be a text, .*, got 3"):
        push(model, hub, judgement=3)
    assert not hub.files


def test_a_hub_that_is_not_there_is_told(box_dataset: MinariDataset) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(ConfigError, match=r"me/agent cannot be uploaded: .*refused"):
        push_to_hub(PRESA_CASE.make(box_dataset), "me/agent", endpoint=url, token="hf_test")


def test_the_card_tells_what_people_said_from_what_was_completed(
    box_dataset: MinariDataset,
) -> None:
    feedback = tiny_feedback(box_dataset)
    completed = complete(box_dataset, feedback).feedback()
    assert len(completed.comparisons) != len(feedback.comparisons)
    card = model_card(PRESA_CASE.make(box_dataset, completed), "me/agent")
    assert f"| Comparisons | {len(feedback.comparisons)} |" in card
    assert f"| Safety labels | {int(np.isfinite(feedback.p_safe).sum())} |" in card
    assert f"| Comparisons after completion | {len(completed.comparisons)} |" in card


def test_the_card_says_what_was_learnt_from(box_dataset: MinariDataset) -> None:
    """All agents were said to learn from human feedback."""
    feedback = tiny_feedback(box_dataset)
    answers = replace(feedback, provenance={"source": "annotators"})
    completed = complete(box_dataset, feedback).feedback()
    for model, source in (
        (BC.load_offline(box_dataset, None), "logged behaviour"),
        (TraC.load_offline(box_dataset, cost_limit=5), "logged behaviour, rewards and costs"),
        (PRESA_CASE.make(box_dataset, answers), "logged behaviour and human feedback"),
        (PRESA_CASE.make(box_dataset, feedback), "logged behaviour and synthetic feedback"),
        (PRESA_CASE.make(box_dataset, completed), "logged behaviour and synthetic feedback"),
    ):
        assert f"gradient steps from {source}, without a simulator." in model_card(model, "me/a")


def test_facts_are_json_where_observations_have_no_bounds() -> None:
    """As most robots' have. `Infinity` stopped readers of JSON other than Python's."""
    own = gym.spaces.Box(np.array([-np.inf, 0.0]), np.array([np.inf, 1.0]), dtype=np.float64)

    class Robot(gym.Env[Any, Any]):
        observation_space, action_space = own, gym.spaces.Box(-1, 1, (2,))

    facts = metadata_of(BC("MlpPolicy", Robot()), None, channels_last=False)
    json.dumps(facts, allow_nan=False)
    found = facts["observation_space"]
    assert (found["low"], found["high"]) == ([None, 0.0], [None, 1.0])


def test_people_are_on_the_card_without_their_names(box_dataset: MinariDataset) -> None:
    given = {
        "source": "annotators",
        "annotators": {"ada": {"answers": 7}, "bob": {"answers": 5}, "majority": {"answers": 1}},
        "left_out": ["bert"],
        "method": "majority",
        "noise_model": {"safety": {"accuracy": {"bob": 0.81}}},
        "note": "a|b",
    }
    feedback = replace(tiny_feedback(box_dataset), provenance=given)
    model = PRESA_CASE.make(box_dataset, feedback)
    assert not any(name in json.dumps(model.trained_on) for name in ("ada", "bob", "bert"))
    assert model.trained_on["labels"]["method"] == "majority", "which is a person's name here, too"
    card = model_card(model, "me/agent", notes="For <b>the arm</b>.")
    assert "| Annotators person 1 answers | 7 |" in card
    assert "| Noise model safety accuracy person 3 | 0.81 |" in card
    assert r"| Note | a\|b |" in card
    assert "## Judgement\n\nNot given." in card and "For <b>the arm</b>." in card
