"""PRESA: the algorithm, its objective and its losses."""
