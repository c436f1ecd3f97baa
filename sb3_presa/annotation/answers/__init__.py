"""Who said what: answers as values, on disk, and in the files of others."""
