"""Suites: YAML files as checked values."""
