"""A model's weights and settings as data: a stranger's file is read without unpickling anything."""

import io
import json
import pickle
import zipfile
from collections import deque
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import random_dataset, weights_of
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import FloatSchedule, LinearSchedule

from sb3_presa import ALGORITHMS, BC, PRESA, SafeRLHF
from sb3_presa.errors import ConfigError
from sb3_presa.learning.data_values import NotDataError, from_data, to_data
from sb3_presa.learning.model_file import SETTINGS, TENSORS
from sb3_presa.learning.schedules import CosineSchedule, WarmupSchedule

BOX = gym.spaces.Box(-1.0, 1.0, (3,))


@pytest.fixture
def model(minari_root: Path) -> BC:
    return BC.load_offline(random_dataset("data", BOX, BOX), None, seed=0, device="cpu").learn(3)


@pytest.fixture
def saved(model: BC, tmp_path: Path) -> Path:
    model.save(tmp_path / "model")
    return tmp_path / "model.zip"


def rewritten(path: Path, **changes: bytes | None) -> Path:
    """The file with other entries; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    changed = path.with_name("changed.zip")
    with zipfile.ZipFile(changed, "w") as archive:
        for name, content in {**entries, **changes}.items():
            if content is not None:
                archive.writestr(name, content)
    return changed


class Trap:
    """Unpickling it runs code."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("ran"),)


def trapped(path: Path) -> Path:
    """All that SB3 would unpickle runs code of the file's author."""
    with zipfile.ZipFile(path) as archive:
        entries = json.loads(archive.read("data"))
    import base64

    content = base64.b64encode(pickle.dumps(Trap())).decode()
    entries["policy_class"] = {":type:": "x", ":serialized:": content}
    return rewritten(path, data=json.dumps(entries).encode())


def test_what_sb3_would_unpickle_is_not(
    model: BC, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = trapped(saved)
    monkeypatch.setattr("cloudpickle.loads", None)
    loaded = BC.load(file, device="cpu")
    for name, value in weights_of(model).items():
        np.testing.assert_array_equal(weights_of(loaded)[name], value)
    with pytest.raises(
        ConfigError, match=r"weights and settings as pickled .*trust=True \(--trust"
    ):
        BC.load(rewritten(file, **{SETTINGS: None}), device="cpu")
    assert not Path("ran").exists()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match=r".*"):  # it is no policy class
        BC.load(rewritten(file, **{SETTINGS: None}), device="cpu", trust=True)
    assert Path("ran").exists(), "the trap works"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_sb3_reads_the_same_file(name: str, tmp_path: Path, minari_root: Path) -> None:
    import sb3_presa

    cls = getattr(sb3_presa, name)
    env = gym.make("Pendulum-v1")
    limited = {"cost_limit": 1.0} if name in ("TraC", "BCQLag") else {}
    model = cls("MlpPolicy", env, seed=0, device="cpu", **limited)
    model.save(tmp_path / "model")
    read = BaseAlgorithm.load.__func__  # type: ignore[attr-defined]
    by_sb3, as_data = read(cls, tmp_path / "model"), cls.load(tmp_path / "model", device="cpu")
    for found in (by_sb3, as_data):
        assert found.get_parameters().keys() == model.get_parameters().keys()
        for part, value in weights_of(model).items():
            np.testing.assert_array_equal(weights_of(found)[part], value)
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        names = json.loads(archive.read("data")).keys()
    for attribute in names:  # SB3 makes lists of tuples
        assert getattr(as_data, attribute) == getattr(model, attribute), attribute


def test_what_is_trusted_is_read_as_ever(model: BC, saved: Path) -> None:
    old = rewritten(saved, **{SETTINGS: None, TENSORS: None})
    loaded = BC.load(old, device="cpu", trust=True)
    for name, value in weights_of(model).items():
        np.testing.assert_array_equal(weights_of(loaded)[name], value)


def test_transposed_tensors_come_back_as_they_were() -> None:
    """A front end of safetensors writes their memory under the logical shape."""
    plain = th.arange(6.0).reshape(2, 3)
    values = {"t": plain.T, "part": plain[:, 1], "twice": plain, "half": plain.bfloat16()}
    tensors: dict[str, th.Tensor] = {}
    data = to_data(values, tensors)
    import safetensors.torch

    read = safetensors.torch.load(safetensors.torch.save(tensors))
    for name, value in from_data(json.loads(json.dumps(data)), read).items():
        assert value.dtype == values[name].dtype
        assert th.equal(value, values[name]), name


numbers = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    numbers | st.frozensets(st.text(), max_size=3),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(st.text() | st.integers() | st.just("@"), parts, max_size=3)
        | st.lists(parts, max_size=3).map(tuple)
    ),
    max_leaves=10,
)


@settings(max_examples=60)
@given(values)
def test_containers_come_back(value: Any) -> None:
    assert from_data(json.loads(json.dumps(to_data(value, {}))), {}) == value


@pytest.mark.parametrize(
    "value",
    [
        gym.spaces.Dict({"a.b": BOX, "n": gym.spaces.Discrete(3, start=-1)}),
        gym.spaces.MultiDiscrete([2, 3]),
        gym.spaces.Box(-np.inf, np.inf, (2,), np.float64),
        th.nn.Tanh,
        th.optim.AdamW,
        CosineSchedule(1e-3, 1e-5),
        WarmupSchedule(1e-3, 0.1),
        deque([1, 2], maxlen=5),
        np.float32(1.5),
        np.int64(7),
    ],
    ids=repr,
)
def test_settings_come_back(value: Any) -> None:
    found = from_data(json.loads(json.dumps(to_data(value, {}))), {})
    assert found == value and type(found) is type(value)


def test_schedules_of_sb3_come_back() -> None:
    schedule = FloatSchedule(LinearSchedule(1.0, 0.5, 1.0))
    found = from_data(json.loads(json.dumps(to_data(schedule, {}))), {})
    assert [found(progress) for progress in (1.0, 0.5, 0.0)] == [1.0, 0.75, 0.5]


@pytest.mark.parametrize(
    "value",
    [print, Path("x"), object(), Trap, gym.spaces.Space()],
    ids=lambda value: type(value).__name__,
)
def test_python_objects_are_not_data(value: Any) -> None:
    with pytest.raises(NotDataError):
        to_data({"a": [value]}, {})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"@": "class", "module": "os", "name": "system"}, "os.system must be a class"),
        ({"@": "class", "module": "pathlib", "name": "Path"}, "must be a class of networks"),
        ({"@": "class", "module": "not_imported_yet", "name": "Net"}, "import its module first"),
        ({"@": "call", "items": []}, "the kind of a value must be known here, got 'call'"),
        ({"@": "array", "dtype": "O", "values": [1]}, "an array must be of numbers"),
        ({"@": "FloatSchedule", "fields": {"value_schedule": "x"}}, "must be made of numbers"),
        ({"@": "CosineSchedule", "fields": {}}, "CosineSchedule must have initial, final"),
    ],
)
def test_a_file_names_no_other_code(data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_data([data], {})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (SETTINGS, b"{", "cannot be read as a model"),
        (SETTINGS, b"[]", "cannot be read as a model"),
        (SETTINGS, b'{"format": 2}', "its format must be 1, got 2"),
        (TENSORS, b"", "cannot be read as a model"),
        (TENSORS, None, "cannot be read as a model"),
        ("data", None, "it is not a Stable-Baselines3 model"),
    ],
)
def test_damaged_files_are_named(
    name: str, content: bytes | None, message: str, saved: Path
) -> None:
    changed = rewritten(saved, **{name: content})
    with pytest.raises(ConfigError, match=rf"changed.zip {message}|changed.zip.*{message}"):
        BC.load(changed)


def test_one_bit_of_a_model_is_refused_or_changes_nothing(model: BC, saved: Path) -> None:
    content = saved.read_bytes()
    expected = weights_of(model)
    for bit in np.random.default_rng(0).integers(0, 8 * len(content), 40).tolist():
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            found = BC.load(io.BytesIO(bytes(changed)), device="cpu")
        except ConfigError:
            continue
        for name, value in weights_of(found).items():
            np.testing.assert_array_equal(value, expected[name])


def test_weights_of_another_model_are_refused(saved: Path) -> None:
    with pytest.raises(ConfigError, match="model of SafeRLHF, got one of BC"):
        SafeRLHF.load(saved)
    with pytest.raises(ConfigError, match="model of PRESA, got one of BC"):
        PRESA.load(saved)
