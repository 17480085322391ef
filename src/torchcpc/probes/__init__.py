"""How much a simple model reads off the representations."""
