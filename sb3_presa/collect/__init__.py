"""Datasets from environments: recipes, agents, and logs of seeds and actions."""
