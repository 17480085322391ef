"""Hooks of the docs site: the reference is generated from the code at each build, and nothing generated is committed."""
