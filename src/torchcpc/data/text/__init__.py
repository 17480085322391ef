"""Reader of documents of text."""
