"""Comparison of algorithms over tasks, cost limits and seeds: suites, engine, results, reports."""
