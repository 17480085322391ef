"""Training: the training loop, its schedules, its checkpoints and its warnings."""
