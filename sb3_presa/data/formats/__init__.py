"""Logs of other programs, to Minari: one file a format, one protocol (:mod:`.format`)."""
