"""Runs suites: with resuming and retries, on one machine or on many."""
