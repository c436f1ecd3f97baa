"""Judged without a simulator: what logs and labels say of an agent."""

from sb3_presa.evaluation.judge.choose import Choice, choose
from sb3_presa.evaluation.judge.verdict import Labels, Verdict, judge

__all__ = ["Choice", "Labels", "Verdict", "choose", "judge"]
