"""The command line: parses, calls one function, shows. Torch is imported inside verbs only."""

from axonal.cli.app import app, main

__all__ = ["app", "main"]
