"""Labels from people: the page on which they answer, the store of their answers, what follows."""
