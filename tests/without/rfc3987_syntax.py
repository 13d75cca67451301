"""Hides the package of this name, which jsonschema imports if it can.

Importing it compiles 39 grammars, which takes up to three seconds in each process that reads a
notebook. jsonschema uses it only to check addresses with non-ASCII letters.
"""

raise ImportError("hidden by tests/without")
