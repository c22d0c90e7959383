"""The edge: what every request passes, whatever it asks for."""
