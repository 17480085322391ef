"""The commands of `cpc`, one module each.

A module has `arguments(parser)`, which declares the options, and `run(arguments)`, which runs the command. Heavy imports stay inside
`run`, so that `--help` answers at once.
"""
