"""An agent in use: exported, watched, shared."""
