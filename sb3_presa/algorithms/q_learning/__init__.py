"""Offline constrained Q-learning, from true outcomes or from models of them."""
