"""How a suite is run: resumed, retried, on one machine or on many."""
