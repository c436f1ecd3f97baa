"""What is compared: suites in YAML, as checked values."""
