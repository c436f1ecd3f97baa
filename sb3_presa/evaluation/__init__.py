"""How good and how safe an agent is."""
