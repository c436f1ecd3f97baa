"""Files of other projects, to Minari and back."""
