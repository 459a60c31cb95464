"""What the service does, free of any transport: one path for every way to ask for a response."""
