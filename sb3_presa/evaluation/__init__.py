"""Evaluation of agents: reward, cost and safety."""
