"""Hides a package of this name, which jsonschema does without.

It compiles 39 grammars when it is imported, which takes two to three seconds in each process that
reads a notebook, and it is used only for addresses with other letters than ASCII's.
"""

raise ImportError("hidden by tests/without")
