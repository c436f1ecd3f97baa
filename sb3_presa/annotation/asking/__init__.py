"""What is asked next, and of whom."""
