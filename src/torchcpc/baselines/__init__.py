"""What stands beside the learned rows of a table: features that need no training."""
