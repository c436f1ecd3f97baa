"""Methods to compare PRESA with."""
