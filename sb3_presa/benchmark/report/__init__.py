"""Reports of results: statistics, tables, figures, and an HTML page."""
