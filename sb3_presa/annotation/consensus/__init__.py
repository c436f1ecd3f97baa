"""From many answers to one set of feedback: agreement, noise model, merge."""
