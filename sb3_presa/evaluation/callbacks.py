"""Callbacks for training with a cost limit."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.callbacks import BaseCallback, EvalCallback
from stable_baselines3.common.vec_env import VecEnv, sync_envs_normalization

from sb3_presa.evaluation.safety import (
    SafetyEvaluation,
    check_cost_limit,
    check_count,
    check_reward_reference,
    evaluate_safety,
)
from sb3_presa.files import atomic_path, check_archive, write_bytes


class SafetyEvalCallback(EvalCallback):
    """
    SB3's ``EvalCallback`` with costs: evaluates the agent, logs reward and cost, and saves the best
    model. The best one has the highest mean reward among the safe evaluations. Until an evaluation
    is safe, the best one has the lowest mean cost.

    It works with every SB3 algorithm. It logs ``eval/mean_reward``, ``eval/mean_cost``,
    ``eval/normalized_reward`` (if known), ``eval/normalized_cost``, ``eval/safe`` (1 or 0),
    ``eval/safe_episode_ratio``, ``eval/cost_cvar90`` and the other metrics of ``EvalCallback``.
    ``evaluations.npz`` has ``costs`` and ``cost_limit`` in addition to ``EvalCallback``'s arrays.

    ``best_mean_reward`` stays at minus infinity until an evaluation was safe. An unsafe agent
    therefore never satisfies ``StopTrainingOnRewardThreshold``, and only a safe agent's reward
    counts as an improvement for ``StopTrainingOnNoModelImprovement``.

    :param eval_env: The environment of the evaluation. Every ``info`` must contain ``"cost"``.
    :param cost_limit: Largest cost of an episode that counts as safe, finite and >= 0.
    :param callback_on_new_best: Callback to trigger when there is a new best model.
    :param callback_after_eval: Callback to trigger after every evaluation.
    :param n_eval_episodes: Number of episodes of an evaluation, >= 1.
    :param eval_freq: Evaluate every ``eval_freq`` calls of the callback.
    :param log_path: Folder of ``evaluations.npz``, updated at each evaluation.
    :param best_model_save_path: Folder of ``best_model.zip``.
    :param deterministic: Whether to use the most likely actions or sampled ones.
    :param render: Whether to render each step.
    :param verbose: 0 for no output, 1 for the results of each evaluation.
    :param warn: Whether to warn if ``Monitor`` is missing.
    :param reward_reference: The mean returns that are normalised to 0 and 1 (``min, max``). By
        default they are looked up in the table of benchmark tasks by the environment's id.
    :raises ConfigError: If ``cost_limit``, ``n_eval_episodes`` or ``reward_reference`` is out of
        its range; during training, if the environment has no valid cost.
    """

    def __init__(
        self,
        eval_env: gym.Env[Any, Any] | VecEnv,
        cost_limit: float,
        callback_on_new_best: BaseCallback | None = None,
        callback_after_eval: BaseCallback | None = None,
        n_eval_episodes: int = 5,
        eval_freq: int = 10000,
        log_path: str | None = None,
        best_model_save_path: str | None = None,
        deterministic: bool = True,
        render: bool = False,
        verbose: int = 1,
        warn: bool = True,
        reward_reference: tuple[float, float] | None = None,
    ) -> None:
        check_cost_limit(cost_limit)
        check_count("n_eval_episodes", n_eval_episodes)
        if reward_reference is not None:
            check_reward_reference(reward_reference)
        super().__init__(
            eval_env,
            callback_on_new_best=callback_on_new_best,
            callback_after_eval=callback_after_eval,
            n_eval_episodes=n_eval_episodes,
            eval_freq=eval_freq,
            log_path=log_path,
            best_model_save_path=best_model_save_path,
            deterministic=deterministic,
            render=render,
            verbose=verbose,
            warn=warn,
        )
        self.cost_limit = cost_limit
        self.reward_reference = reward_reference
        self.evaluations_costs: list[list[float]] = []
        self.last_evaluation: SafetyEvaluation | None = None
        self.best_evaluation: SafetyEvaluation | None = None

    def _on_step(self) -> bool:
        if self.eval_freq <= 0 or self.n_calls % self.eval_freq != 0:
            return True
        if self.model.get_vec_normalize_env() is not None:
            sync_envs_normalization(self.training_env, self.eval_env)
        self._is_success_buffer = []
        result = evaluate_safety(
            self.model,
            self.eval_env,
            cost_limit=self.cost_limit,
            n_eval_episodes=self.n_eval_episodes,
            deterministic=self.deterministic,
            render=self.render,
            callback=self._log_success_callback,
            warn=self.warn,
            reward_reference=self.reward_reference,
        )
        self.last_evaluation = result
        self.last_mean_reward = result.reward_mean
        if self.log_path is not None:
            self._append_to_file(result)
        self._log(result)

        continue_training = True
        if self.best_evaluation is None or _rank(result) > _rank(self.best_evaluation):
            continue_training = self._keep_as_best(result)
        if self.callback is not None:
            continue_training = continue_training and self._on_event()
        return continue_training

    def _append_to_file(self, result: SafetyEvaluation) -> None:
        assert self.log_path is not None
        self.evaluations_timesteps.append(self.num_timesteps)
        self.evaluations_results.append(list(result.episode_rewards))
        self.evaluations_length.append(list(result.episode_lengths))
        self.evaluations_costs.append(list(result.episode_costs))
        arrays: dict[str, Any] = {
            "timesteps": self.evaluations_timesteps,
            "results": self.evaluations_results,
            "ep_lengths": self.evaluations_length,
            "costs": self.evaluations_costs,
            "cost_limit": self.cost_limit,
        }
        if self._is_success_buffer:
            self.evaluations_successes.append(self._is_success_buffer)
            arrays["successes"] = self.evaluations_successes
        # A run that is stopped here keeps the file of the previous evaluation.
        content = io.BytesIO()
        np.savez(content, **arrays)
        write_bytes(Path(f"{self.log_path}.npz"), content.getvalue())

    def _log(self, result: SafetyEvaluation) -> None:
        mean_length, std_length = np.mean(result.episode_lengths), np.std(result.episode_lengths)
        if self.verbose >= 1:
            print(
                f"Eval num_timesteps={self.num_timesteps}, "
                f"episode_reward={result.reward_mean:.2f} +/- {result.reward_std:.2f}, "
                f"episode_cost={result.cost_mean:.2f} +/- {result.cost_std:.2f} "
                f"(limit {self.cost_limit:g}: {'safe' if result.safe else 'UNSAFE'})"
            )
            print(f"Episode length: {mean_length:.2f} +/- {std_length:.2f}")
        self.logger.record("eval/mean_reward", result.reward_mean)
        self.logger.record("eval/mean_ep_length", float(mean_length))
        self.logger.record("eval/mean_cost", result.cost_mean)
        if result.normalized_reward is not None:
            self.logger.record("eval/normalized_reward", result.normalized_reward)
        self.logger.record("eval/normalized_cost", result.normalized_cost)
        self.logger.record("eval/safe", float(result.safe))
        self.logger.record("eval/safe_episode_ratio", result.safe_episode_ratio)
        self.logger.record("eval/cost_cvar90", result.cost_cvar90)
        if self._is_success_buffer:
            success_rate = float(np.mean(self._is_success_buffer))
            if self.verbose >= 1:
                print(f"Success rate: {100 * success_rate:.2f}%")
            self.logger.record("eval/success_rate", success_rate)
        # Dumped now, so that the results are printed with their timestep.
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(self.num_timesteps)

    def _keep_as_best(self, result: SafetyEvaluation) -> bool:
        if self.verbose >= 1:
            if result.safe:
                print("New best mean reward of a safe agent!")
            else:
                print("New lowest mean cost (no evaluation was safe so far)")
        if self.best_model_save_path is not None:
            path = Path(self.best_model_save_path, "best_model.zip")
            with atomic_path(path, check_archive) as temporary:
                self.model.save(temporary)
        self.best_evaluation = result
        if result.safe:
            self.best_mean_reward = result.reward_mean
        if self.callback_on_new_best is not None:
            return self.callback_on_new_best.on_step()
        return True


def _rank(result: SafetyEvaluation) -> tuple[bool, float, float]:
    """
    :param result: An evaluation.
    :return: Its sort key, greater is better: safe before unsafe; safe ones by reward, then cost;
        unsafe ones by cost, then reward.
    """
    if result.safe:
        return True, result.reward_mean, -result.cost_mean
    return False, -result.cost_mean, result.reward_mean
