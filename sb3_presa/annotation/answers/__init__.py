"""Answers of people: as values, on disk, and in CSV and JSON Lines files."""
