"""What came out: statistics, tables, pictures, one page."""
