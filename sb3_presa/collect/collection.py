"""Collect a Minari dataset of safe and unsafe behaviour from an environment with costs.

SB3's PPO is trained with several cost weights, some fixed and some adapting to a budget. It is
recorded throughout its training in separate episodes, each with its own reset seed. The recorded
episodes are thinned on a grid of cost return and reward return.
"""

import os
import shutil
import time
from pathlib import Path

from minari import MinariDataset
from minari.storage.datasets_root_dir import get_dataset_path

from sb3_presa.collect.agents import Job, load_scripted, prepare_jobs
from sb3_presa.collect.bar import step_bar
from sb3_presa.collect.episodes import Recording, assemble
from sb3_presa.collect.portable_numpy import portable_environ
from sb3_presa.collect.recipe import CollectRecipe
from sb3_presa.collect.source import Source
from sb3_presa.data.minari_store import check_free
from sb3_presa.errors import ConfigError
from sb3_presa.trust import require_trust
from sb3_presa.workers import run_tasks

# Scripted episodes per job, so that the workers share them.
_SCRIPTED_A_JOB = 50

__all__ = ["CollectRecipe", "collect"]


def collect(
    env_id: str | None = None,
    dataset_id: str | None = None,
    recipe: CollectRecipe | str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
    n_workers: int | None = None,
    overwrite: bool = False,
    progress_bar: bool = True,
    root: str | os.PathLike[str] | None = None,
    trust: bool = False,
) -> MinariDataset:
    """Collect a dataset; after an interruption, a second call continues with the unfinished jobs.

    Each agent is a job in a worker process. A job writes its result atomically to a hidden folder
    of the datasets root, and the dataset is written atomically at the end. On one machine the
    result depends only on the environment, the recipe and the seed, and not on the number of
    workers or on interruptions.

    :param env_id: A Gymnasium id, with the module to import if the environment is not this
        package's (``"my_module:MyEnv-v0"``). The info of every step must contain ``cost``, and the
        environment needs a time limit. The recipe's own if ``None``.
    :param dataset_id: ``(namespace/)name-vN``. The recipe's own if ``None``.
    :param recipe: The settings, or a TOML file of them; the defaults if ``None``.
    :param seed: Seed of all random numbers.
    :param n_workers: Number of worker processes; one per processor if ``None``.
    :param overwrite: Replace a dataset of this id. The old one stays until the new one is complete.
    :param progress_bar: Show a progress bar of the training steps.
    :param root: The datasets root; Minari's own if ``None``.
    :param trust: Whether the file of a recipe may name any code, as its environment or as scripted
        agents. If not, these must be this package's, or of a module that is imported here.
    :return: The dataset. Each episode has ``infos["cost"]`` (T + 1 rows, the first 0) and its reset
        seed; ``reset(seed=...)`` and its actions repeat it.
    :raises ConfigError: If a setting, the environment or its spaces cannot be used, or neither the
        call nor the recipe names an environment and a dataset.
    :raises DatasetError: If the id is malformed or taken, the environment has no costs, or no
        episode lies in the ranges to keep.
    :raises WorkerError: If a worker process fails; the results of finished jobs are kept.
    """
    started = time.perf_counter()
    if recipe is None:
        recipe = CollectRecipe()
    elif not isinstance(recipe, CollectRecipe):
        path, recipe = recipe, CollectRecipe.from_toml(recipe)
        for name in ("env_id", "scripted"):
            if env_id is None or name != "env_id":
                require_trust(getattr(recipe, name) or "", trust, f"{path}: `{name}`")
    env_id = _named("env_id", env_id, recipe.env_id)
    dataset_id = _named("dataset_id", dataset_id, recipe.dataset_id)
    check_free(dataset_id, root, overwrite)
    if n_workers is not None and n_workers < 1:
        raise ConfigError(f"`n_workers` must be at least 1, got {n_workers}")
    if seed < 0:
        raise ConfigError(f"`seed` must be at least 0, got {seed}")
    source = Source.probe(env_id, recipe)
    if recipe.scripted is not None:
        load_scripted(recipe.scripted)  # before hours of training
    jobs = _jobs(env_id, recipe, seed, source)
    scratch = _scratch_folder(dataset_id, root) / recipe.digest(env_id, seed)
    scratch.mkdir(parents=True, exist_ok=True)
    paths = [scratch / f"job-{job.index:03d}.npz" for job in jobs]
    workers = min(n_workers or os.cpu_count() or 1, len(jobs))
    with step_bar(sum(job.steps for job in jobs), progress_bar) as bar:
        missing = [item for item in zip(jobs, paths, strict=True) if not item[1].exists()]
        bar.update(bar.total - sum(job.steps for job, _ in missing))
        # The longest first; more threads make networks of this size slower
        missing.sort(key=lambda item: -item[0].steps)
        environ = {"OMP_NUM_THREADS": "1", **portable_environ()}
        for _ in run_tasks(missing, workers, prepare_jobs, environ=environ, report=bar.update):
            pass
    recordings = [Recording.load(job, path) for job, path in zip(jobs, paths, strict=True)]
    # Include the time of jobs that an interrupted call had finished.
    done_now = {job.index for job, _ in missing}
    before = sum(rec.seconds for rec in recordings if rec.job.index not in done_now) / workers
    dataset = assemble(
        dataset_id,
        source,
        recordings,
        wall_seconds=time.perf_counter() - started + before,
        workers=workers,
        overwrite=overwrite,
        root=root,
    )
    shutil.rmtree(scratch.parent, ignore_errors=True)
    return dataset


def _named(name: str, given: str | None, of_recipe: str | None) -> str:
    found = given if given is not None else of_recipe
    if found is None:
        raise ConfigError(f"`{name}` must be given in the call or in the recipe, got neither")
    return found


def _jobs(env_id: str, recipe: CollectRecipe, seed: int, source: Source) -> list[Job]:
    kinds: list[tuple[str, tuple[float, ...]]] = [("random", ())] if recipe.random_episodes else []
    kinds += [("weight", (weight,)) for weight in recipe.cost_weights]
    kinds += [("budget", budget) for budget in recipe.cost_budgets]
    kinds += [
        ("scripted", (float(min(_SCRIPTED_A_JOB, recipe.scripted_episodes - done)),))
        for done in range(0, recipe.scripted_episodes, _SCRIPTED_A_JOB)
    ]
    if not kinds:
        raise ConfigError(
            "the recipe must have at least one of `cost_weights`, `cost_budgets`, "
            "`scripted_episodes` and `random_episodes`, got none"
        )
    return [
        Job(index, kind, setting, env_id, seed, source.reward_scale, source.max_cost, recipe)
        for index, (kind, setting) in enumerate(kinds)
    ]


def _scratch_folder(dataset_id: str, root: str | os.PathLike[str] | None) -> Path:
    datasets_root = Path(root) if root is not None else Path(get_dataset_path())
    return datasets_root / f".collecting-{dataset_id.replace('/', '--')}"
