"""Clips of segments: replayed, recorded or plotted, and encoded."""
