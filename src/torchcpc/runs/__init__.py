"""A folder that holds a trained model: made, saved, loaded, described."""
