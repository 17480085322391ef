"""How much simple models read off the representations, beside what else could be read."""
