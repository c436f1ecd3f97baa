"""PRESA and the algorithms that it is compared with, one a file."""
