"""Training: the one loop, its schedule, its checkpoints and its warnings."""
