"""How every algorithm here is trained: data on the device, losses, and the one loop."""
