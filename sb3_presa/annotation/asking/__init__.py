"""The choice of questions: strategies, queues, and the desk that fills them."""
