"""What a response says, event by event: assembled, ordered and told."""
