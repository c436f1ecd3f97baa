"""Agents on the Hugging Face Hub: a model, a card, and nothing that has to be unpickled."""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sb3_presa.deploy.card import model_card
from sb3_presa.deploy.metadata import check_model, metadata_of
from sb3_presa.errors import ConfigError
from sb3_presa.registry import HOMES, algorithm_class

if TYPE_CHECKING:
    from sb3_presa.evaluation.judge import Verdict
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

MODEL: Final = "model.zip"
CONFIG: Final = "config.json"
CARD: Final = "README.md"


def push_to_hub(
    model: "OfflineAlgorithm",
    repo_id: str,
    *,
    judgement: "str | Verdict | None" = None,
    picture: str | Path | None = None,
    notes: str | None = None,
    private: bool = False,
    token: str | None = None,
    endpoint: str | None = None,
    commit_message: str = "Upload agent",
) -> str:
    """
    Uploads a model with its card in one commit. The card says what data and labels it learnt from,
    how many, what their provenance says of people and agreement, and what the agent cannot do.

    :param model: a trained or loaded model
    :param repo_id: ``owner/name``; made if it is missing
    :param judgement: a verdict of :func:`sb3_presa.evaluation.judge.judge`, or what was measured,
        as Markdown, for the card
    :param picture: a picture for the card
    :param notes: more for the card, as Markdown
    :param private: whether a new repository is private
    :param token: an access token; by default that of ``hf auth login``
    :param endpoint: address of another hub than huggingface.co
    :param commit_message: first line of the commit
    :return: address of the commit
    :raises ConfigError: if ``model`` is none, ``repo_id`` or ``judgement`` is of another type,
        ``huggingface_hub`` is not installed, the picture is missing, or the hub refuses
    """
    from sb3_presa.evaluation.judge import Verdict
    from sb3_presa.evaluation.judge.page import markdown

    check_model(model)
    _check_repo_id(repo_id)
    if not isinstance(judgement, str | Verdict | None):
        raise ConfigError(
            f"`judgement` must be a text, a verdict of judge, or None, got {judgement!r}"
        )
    hub = _library()
    source = None if picture is None else Path(picture)
    if source is not None and not source.is_file():
        raise ConfigError(f"`picture` must be a file, got {picture}, which is missing")
    api = hub.HfApi(endpoint=endpoint, token=token)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model.save(folder / MODEL)
        name = None if source is None else f"picture{source.suffix}"
        if source is not None and name is not None:
            shutil.copyfile(source, folder / name)
        said = judgement if isinstance(judgement, str | None) else markdown(judgement)
        card = model_card(model, repo_id, judgement=said, picture=name, notes=notes)
        (folder / CARD).write_text(card, encoding="utf-8")
        facts = metadata_of(model, None, channels_last=False)
        (folder / CONFIG).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        try:
            api.create_repo(repo_id, private=private, exist_ok=True)
            commit = api.upload_folder(
                repo_id=repo_id, folder_path=folder, commit_message=commit_message
            )
        except Exception as error:  # its own, and those of the HTTP library of its release
            raise ConfigError(f"{repo_id} cannot be uploaded: {error}") from error
    return str(commit.commit_url)


def load_from_hub(
    repo_id: str,
    *,
    algorithm: "type[OfflineAlgorithm] | None" = None,
    filename: str = MODEL,
    revision: str | None = None,
    device: str = "auto",
    token: str | None = None,
    endpoint: str | None = None,
    cache_dir: str | Path | None = None,
    trust: bool = False,
    **kwargs: Any,
) -> "OfflineAlgorithm":
    """
    Downloads a model and loads it as data: nothing of it is unpickled, and no code that it names is
    imported or run.

    :param repo_id: ``owner/name``
    :param algorithm: its class, if it is not one of this package
    :param filename: the model's file
    :param revision: branch, tag or commit; a commit does not change
    :param device: device to put the model on
    :param token: an access token; by default that of ``hf auth login``
    :param endpoint: address of another hub than huggingface.co
    :param cache_dir: where downloads are kept, the hub's own cache if ``None``
    :param trust: whether to unpickle Python objects in the file, which runs code of its author
    :param kwargs: further arguments of ``load``
    :return: the model
    :raises ConfigError: if ``repo_id`` is no text, or the model cannot be downloaded, is damaged,
        or would have to be unpickled
    """
    _check_repo_id(repo_id)
    hub = _library()
    try:
        path = hub.hf_hub_download(
            repo_id,
            filename,
            revision=revision,
            token=token,
            endpoint=endpoint,
            cache_dir=cache_dir,
        )
    except Exception as error:  # its own, and those of the HTTP library of its release
        raise ConfigError(f"{repo_id} cannot be downloaded: {error}") from error
    chosen = _algorithm_of(path, repo_id) if algorithm is None else algorithm
    return chosen.load(path, device=device, trust=trust, **kwargs)


def _check_repo_id(repo_id: object) -> None:
    if not isinstance(repo_id, str):
        raise ConfigError(f"`repo_id` must be a text such as 'me/agent', got {repo_id!r}")


def _algorithm_of(path: str, repo_id: str) -> "type[OfflineAlgorithm]":
    try:
        with zipfile.ZipFile(path) as archive:
            name: Any = json.loads(archive.read("data")).get("algorithm")
    except (zipfile.BadZipFile, KeyError, ValueError, AttributeError) as error:
        raise ConfigError(f"{repo_id} does not hold a Stable-Baselines3 model: {error}") from error
    if name not in HOMES:
        raise ConfigError(
            f"the algorithm of {repo_id} must be one of {', '.join(HOMES)}, got {name!r}; give its "
            "class as `algorithm`"
        )
    return algorithm_class(name)


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ConfigError(
            "the hub needs huggingface_hub; install the extra 'hub' (in a checkout: "
            'pip install ".[hub]")'
        ) from error
    return huggingface_hub
