"""Many responses over one connection, in lanes."""
