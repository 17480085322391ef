"""A trained model over whole sources: the representations, on disk and in memory."""
