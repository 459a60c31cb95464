"""How much callers may ask for."""
