"""Policies: standardisation, feature extractors and action heads."""
