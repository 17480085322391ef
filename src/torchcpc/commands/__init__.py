"""The commands: one module each, offering `arguments(parser)` and `run(arguments)`; heavy imports inside `run`."""
