"""Compare algorithms over tasks, cost limits and seeds: suites, the engine, results, reports."""
