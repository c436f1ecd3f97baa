"""The training of every algorithm: data on the device, losses, and the one loop."""
