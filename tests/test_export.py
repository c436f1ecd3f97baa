"""An exported agent acts as ``predict`` does, in ONNX Runtime and TorchScript."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch as th
from algorithm_data import one_thread, random_dataset, tiny_feedback  # noqa: F401
from contract import (
    CASES,
    PRESA_CASE,
    Case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from gymnasium import spaces
from minari import MinariDataset
from test_contract_spaces import MATRIX, UNIT, VECTOR, batch_of
from typer.testing import CliRunner

from sb3_presa import BC
from sb3_presa.cli import app
from sb3_presa.deploy import export
from sb3_presa.deploy.export import export_policy
from sb3_presa.errors import ConfigError, DatasetError, ExportError

Batch = dict[str, npt.NDArray[Any]]
SAFE_RLHF = next(case for case in CASES if case.name == "safe-rlhf")


def run_onnx(path: Path, batch: Batch) -> npt.NDArray[Any]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["action"], batch)[0])


def run_torchscript(path: Path, batch: Batch) -> npt.NDArray[Any]:
    tensors = {key: th.as_tensor(values) for key, values in batch.items()}
    module: Any = th.jit.load(str(path))
    found: th.Tensor = module(
        tensors if set(tensors) != {"observation"} else tensors["observation"]
    )
    return found.numpy()


RUNS = {".onnx": run_onnx, ".pt": run_torchscript}
#: Every space with PRESA in ONNX; the rest of the pairs where they differ in code.
CHOSEN = [(name, PRESA_CASE, ".onnx") for name in MATRIX] + [
    ("dict", PRESA_CASE, ".pt"),
    ("multidiscrete-from-5", PRESA_CASE, ".pt"),
    ("box", SAFE_RLHF, ".onnx"),
    ("box", SAFE_RLHF, ".pt"),
]


@pytest.mark.parametrize(("name", "case", "suffix"), CHOSEN)
def test_every_space_and_policy(
    name: str, case: Case, suffix: str, minari_root: Path, tmp_path: Path
) -> None:
    observations, actions, policy = MATRIX[name]
    dataset = random_dataset("spaces", observations, actions)
    model = case.make(dataset, policy=policy)
    written = export_policy(model, tmp_path / f"agent{suffix}", dataset=dataset)
    assert written.logged and written.n == 72
    assert written.largest_difference < 1e-5
    for n in (1, 7):
        batch = batch_of(observations, n)
        expected, _ = model.predict(batch, deterministic=True)
        inputs = batch if isinstance(batch, dict) else {"observation": batch}
        found = RUNS[suffix](written.path, inputs)
        assert found.dtype == expected.dtype and found.shape == expected.shape
        assert np.allclose(found, expected, rtol=1e-5, atol=1e-5)
        assert all(actions.contains(action) for action in found)


def test_inputs_have_names_and_one_file_says_what_it_is(
    dict_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = PRESA_CASE.make(dict_dataset)
    written = export_policy(model, tmp_path / "agent.onnx", dataset=dict_dataset)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["agent.onnx"]
    session = onnxruntime.InferenceSession(written.path, providers=["CPUExecutionProvider"])
    assert {i.name: i.shape for i in session.get_inputs()} == {
        "where": ["batch", 2],
        "zone": ["batch"],
    }
    stored = json.loads(session.get_modelmeta().custom_metadata_map["sb3_presa"])
    assert stored == written.metadata
    assert stored["trained_on"]["dataset"] == "toy/dict-v0"
    assert stored["trained_on"]["labels"]["source"] == "synthetic"
    assert stored["trained_on"]["comparisons"] == 60
    assert stored["observation_space"]["type"] == "Dict"


def test_no_paths_and_no_source_lines_are_written(
    box_dataset: MinariDataset, tmp_path: Path
) -> None:
    written = export_policy(PRESA_CASE.make(box_dataset), tmp_path / "agent.onnx")
    for node in onnx.load(written.path).graph.node:
        assert not node.metadata_props
    assert str(Path(export.__file__).parent).encode() not in written.path.read_bytes()


@pytest.mark.parametrize("suffix", RUNS)
def test_an_observation_that_is_not_finite_gives_no_action(
    suffix: str, minari_root: Path, tmp_path: Path
) -> None:
    batch = np.zeros((5, 3), np.float32)
    batch[[1, 2, 4], [2, 0, 1]] = np.nan, np.inf, -np.inf
    for name in ("box", "discrete-from-7"):
        observations, actions, policy = MATRIX[name]
        model = BC.load_offline(random_dataset(name, observations, actions), None, policy=policy)
        path = export_policy(model, tmp_path / f"{name}{suffix}").path
        found = RUNS[suffix](path, {"observation": batch})
        contained = [bool(actions.contains(action)) for action in found]
        assert contained == [True, False, False, True, False]


@pytest.mark.parametrize("acted", ["box", "discrete"])
def test_a_class_that_the_space_lacks_gives_no_action(
    acted: str, minari_root: Path, tmp_path: Path
) -> None:
    """``predict`` refuses it. All zeros in its place would be acted on."""
    parts = {
        "gear": spaces.Discrete(3),
        "signals": spaces.MultiDiscrete([3, 4]),
        "speed": spaces.Box(-1, 1, (2,), np.float32),
    }
    observed = spaces.Dict(parts)
    action_space = UNIT if acted == "box" else spaces.Discrete(3)
    model = BC.load_offline(random_dataset("classes", observed, action_space), None, device="cpu")
    path = export_policy(model, tmp_path / "agent.onnx").path
    batch = batch_of(observed, 6)
    batch["gear"][:] = [0, 2, 3, -1, 1, 1]
    batch["signals"][:] = [[0, 0], [2, 3], [1, 0], [1, 0], [-1, 0], [2, 4]]
    found = run_onnx(path, batch)
    contained = [bool(action_space.contains(action)) for action in found]
    assert contained == [True, True, False, False, False, False]


def test_keys_may_be_called_as_operators_are(minari_root: Path, tmp_path: Path) -> None:
    """PyTorch 2.13 calls values by their operators, and writes a file with one name twice."""
    names = ("where", "relu", "cat", "clamp", "addmm", "linear", "mul", "add", "isnan", "sub")
    observed = spaces.Dict({name: spaces.Box(-1, 1, (2,), np.float32) for name in names})
    model = BC.load_offline(random_dataset("named", observed, UNIT), None, device="cpu")
    path = export_policy(model, tmp_path / "agent.onnx").path
    batch = batch_of(observed, 3)
    expected, _ = model.predict(batch, deterministic=True)
    assert np.allclose(run_onnx(path, batch), expected, atol=1e-5)


def test_another_dataset_is_refused_in_plain_words(
    box_dataset: MinariDataset, dict_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = PRESA_CASE.make(box_dataset)
    with pytest.raises(DatasetError, match="observation space of the dataset must equal that of"):
        export_policy(model, tmp_path / "agent.onnx", dataset=dict_dataset)


def test_nothing_follows_what_makes_nan(box_dataset: MinariDataset, tmp_path: Path) -> None:
    """Some runtimes' ReLU and clip make a number of NaN, and so an action."""
    path = export_policy(PRESA_CASE.make(box_dataset), tmp_path / "agent.onnx").path
    makes_action = [node for node in onnx.load(path).graph.node if "action" in node.output]
    assert [node.op_type for node in makes_action] == ["Add"]


def test_actions_stay_in_their_space_where_the_runtimes_tanh_exceeds_1(
    minari_root: Path, tmp_path: Path
) -> None:
    model = BC.load_offline(random_dataset("far", VECTOR, UNIT), None, seed=0)
    for weights in model.policy.actor_average.head.parameters():
        weights.mul_(200.0)
    path = export_policy(model, tmp_path / "agent.onnx").path
    batch = np.random.default_rng(0).uniform(-1, 1, (4096, 3)).astype(np.float32)
    assert np.abs(run_onnx(path, {"observation": batch})).max() == 1.0


def test_images_come_as_in_the_dataset_or_as_told(
    image_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = PRESA_CASE.make(image_dataset)
    space = export_policy(model, tmp_path / "agent.pt").metadata["observation_space"]
    assert (space["shape"], space["low"], space["high"]) == ([3, 36, 36], 0, 255)
    images = np.random.default_rng(0).integers(0, 255, (2, 36, 36, 3)).astype(np.uint8)
    expected, _ = model.predict(images, deterministic=True)
    first = np.moveaxis(images, -1, 1)
    for given, options in ((images, {"dataset": image_dataset}), (first, {})):
        path = export_policy(model, tmp_path / "agent.pt", **options).path
        assert np.allclose(run_torchscript(path, {"observation": given}), expected, atol=1e-5)


def test_a_file_that_acts_otherwise_is_not_written(
    box_dataset: MinariDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = export._WRITERS[".pt"]

    def wrong(*args: Any) -> Callable[[Batch], npt.NDArray[Any]]:
        run = real(*args)
        return lambda batch: run(batch) + np.float32(3e-5)

    monkeypatch.setitem(export._WRITERS, ".pt", wrong)
    path = tmp_path / "agent.pt"
    path.write_text("as it was")
    with pytest.raises(ExportError, match="must act as predict does"):
        export_policy(PRESA_CASE.make(box_dataset), path)
    assert path.read_text() == "as it was"


class SizeInside(th.nn.Module):
    """Freezes the size of a batch, as ``len`` does when a graph is made."""

    def forward(self, features: th.Tensor) -> th.Tensor:
        return features + th.zeros(len(features), 1)


def test_a_batch_size_that_would_be_frozen_is_refused(
    box_dataset: MinariDataset, tmp_path: Path
) -> None:
    model = PRESA_CASE.make(box_dataset)
    model.policy.actor_average.mlp.append(SizeInside())
    with pytest.raises(ConfigError, match="for batches of any size"):
        export_policy(model, tmp_path / "agent.onnx")
    assert not (tmp_path / "agent.onnx").exists()


def test_another_suffix_is_refused(box_dataset: MinariDataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in .onnx .*got .*agent.h5"):
        export_policy(PRESA_CASE.make(box_dataset), tmp_path / "agent.h5")


def test_only_models_are_exported(tmp_path: Path) -> None:
    wrong: Any = "agent.zip"
    with pytest.raises(ConfigError, match=r"`model` must be a model of sb3_presa, .*, got str"):
        export_policy(wrong, tmp_path / "agent.onnx")


def test_the_command(box_dataset: MinariDataset, tmp_path: Path) -> None:
    feedback = tiny_feedback(box_dataset)
    PRESA_CASE.make(box_dataset, feedback).save(tmp_path / "agent.zip")
    out = tmp_path / "policy.onnx"
    done = CliRunner().invoke(
        app, ["export", str(tmp_path / "agent.zip"), str(out), "--dataset", "toy/box-v0"]
    )
    assert done.exit_code == 0, done.output
    assert "logged observations" in done.output and out.is_file()
    stored = {p.key: p.value for p in onnx.load(out).metadata_props}
    assert json.loads(stored["sb3_presa"])["trained_on"]["dataset"] == "toy/box-v0"
