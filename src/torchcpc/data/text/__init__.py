"""Documents of text."""
