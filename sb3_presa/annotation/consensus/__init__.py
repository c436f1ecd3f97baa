"""Agreement of people, a noise model, and merging answers into feedback."""
