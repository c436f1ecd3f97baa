"""Networks that act: standardising, feature extractors and action heads."""
