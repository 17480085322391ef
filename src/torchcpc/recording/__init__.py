"""One source with all that a run says of it."""
