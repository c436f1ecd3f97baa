"""The committed recipes: one for every environment, in its ranges; and collected in miniature."""

import contextlib
import dataclasses
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from needs import simulator_of, skip_without

from sb3_presa.collect.collection import CollectRecipe, collect
from sb3_presa.envs import SIMULATORS, find_task

FOLDER = Path(__file__).parents[1] / "datasets" / "recipes"
RECIPES = {path.stem: CollectRecipe.from_toml(path) for path in sorted(FOLDER.glob("*.toml"))}
#: Of the datasets that were there before recipes named their environment.
DIGESTS = {
    "ball-run": "be68261c3c71",
    "ball-circle": "bc688aaf2561",
    "car-run": "b12e5ddccf74",
    "car-circle": "88806bc70847",
}


def test_every_environment_has_one_recipe_and_one_has_a_harder_one() -> None:
    there = [env_id for simulator in SIMULATORS.values() for env_id in simulator.env_ids]
    named = {name: str(recipe.env_id) for name, recipe in RECIPES.items()}
    assert named.pop("point-goal1-hard") == named["point-goal1"]
    assert sorted(named.values()) == sorted(there)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_fits_its_environment(name: str) -> None:
    recipe = RECIPES[name]
    # `make dataset-NAME` finds the dataset by this.
    assert recipe.dataset_id == f"presa/{name}-v0"
    assert recipe.env_id is not None
    task, horizon = find_task(recipe.env_id), gym.spec(recipe.env_id).max_episode_steps
    assert horizon is not None
    largest = task.dataset_max_cost if task is not None else (recipe.cost_range or (0, 0))[1]
    budgets = [cost for budget in recipe.cost_budgets for cost in budget]
    assert max(budgets, default=0) <= largest
    if task is None:
        # What the table says of the others.
        assert recipe.cost_limit is not None and recipe.cost_limit < largest
        assert recipe.reward_range is not None
    # Every training must contain rollouts, of a size that minibatches divide.
    rollout = recipe.n_envs * recipe.ppo.get("n_steps", 2048)
    assert rollout % recipe.ppo.get("batch_size", 64) == 0
    assert rollout * 4 <= recipe.steps_per_agent
    assert recorded(recipe) >= recipe.n_episodes


def recorded(recipe: CollectRecipe) -> int:
    """Episodes that a collection records, at most."""
    agents = len(recipe.cost_weights) + len(recipe.cost_budgets)
    kinds = (recipe.stochastic_episodes, recipe.deterministic_episodes, recipe.mixed_episodes)
    trained = agents * recipe.checkpoints * sum(kinds)
    return trained + recipe.random_episodes + recipe.scripted_episodes


@pytest.mark.parametrize("name", DIGESTS)
def test_what_was_begun_with_an_older_recipe_can_be_finished(name: str) -> None:
    assert RECIPES[name].digest(str(RECIPES[name].env_id), 0) == DIGESTS[name]


@pytest.mark.parametrize(
    "name", ["point-goal1-hard", "point-circle1", "highway-safe-discrete", "metadrive-easysparse"]
)
def test_a_recipe_in_miniature_gives_episodes_that_repeat(name: str, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    skip_without(simulator_of(str(recipe.env_id)))
    # Short episodes of one scripted agent and one that PPO trains, as far as the recipe has them.
    tiny = dataclasses.replace(
        recipe,
        n_episodes=4,
        steps_per_agent=16,
        cost_weights=recipe.cost_weights[:1],
        cost_budgets=(),
        checkpoints=1,
        stochastic_episodes=1,
        deterministic_episodes=0,
        mixed_episodes=0,
        random_episodes=0,
        scripted_episodes=min(1, recipe.scripted_episodes),
        reward_range=(-1e6, 1e6),
        cost_range=(0.0, 1e6),
        n_envs=2,
        ppo={**recipe.ppo, "n_steps": 8, "batch_size": 16, "n_epochs": 1},
    )
    dataset = collect(recipe=tiny, n_workers=1, progress_bar=False, root=tmp_path)
    agents = dataset.storage.metadata["collection"]["agents"]
    expected = ["weight"] * len(tiny.cost_weights) + ["scripted"] * tiny.scripted_episodes
    assert [kind for kind, *_ in agents] == expected
    assert len(dataset) == len(agents)
    metadata = list(dataset.storage.get_episode_metadata(range(len(dataset))))
    with contextlib.closing(dataset.recover_environment(eval_env=True)) as env:
        for entry, episode in zip(metadata, dataset.iterate_episodes(), strict=True):
            observations, costs = [env.reset(seed=int(entry["seed"]))[0]], [0.0]
            for action in episode.actions:
                observation, _, terminated, truncated, info = env.step(action)
                observations.append(observation)
                costs.append(info["cost"])
            np.testing.assert_array_equal(observations, episode.observations)
            np.testing.assert_allclose(costs, episode.infos["cost"], rtol=1e-6)
            assert terminated or truncated
