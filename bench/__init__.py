"""What Antiphon costs, measured beside the least that its libraries could do. Run `python -m bench`."""
