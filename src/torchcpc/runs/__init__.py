"""Runs: folders that hold a trained model. They are trained, resumed, saved, loaded and exported here."""
