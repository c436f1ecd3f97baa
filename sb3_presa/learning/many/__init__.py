"""Many models trained at once, each to the result that it would have alone."""
