"""Pictures of segments: replayed, checked, drawn."""
