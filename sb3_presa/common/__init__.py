"""What the algorithms share: policies, buffers, the learn loop, evaluation."""
