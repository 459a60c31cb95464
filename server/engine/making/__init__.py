"""One response while it is made: its attempts, limits, patience and end."""
