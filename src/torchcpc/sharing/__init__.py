"""A trained model for others: a folder or a repository on the Hub, with a model card."""
