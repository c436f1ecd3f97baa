"""Labels from people: the labelling page, the store of answers, and their evaluation."""
