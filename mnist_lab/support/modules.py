"""Joins plain ES modules into one text, without a bundler."""

import graphlib
import re
from pathlib import Path

_IMPORTED = re.compile(r'^import [^;]*?from "(\.[^"]+)";\n', re.MULTILINE)
# What is left out: imports, the word `export`, and lists of what is exported.
_BETWEEN = re.compile(r"^import [^;]*?;\n|^export \{[^}]*\};\n|^export (?!\{)", re.MULTILINE)


def join_modules(entry: Path) -> str:
    """Join a module and all that it imports, each after those that it imports from.

    They follow one another unchanged, only without `import` and `export`. So two of them must not
    define the same name.

    Parameters
    ----------
    entry
        The module that no other imports.
    """
    needs: dict[Path, list[Path]] = {}
    waiting = [entry.resolve()]
    while waiting:
        path = waiting.pop()
        if path not in needs:
            names = _IMPORTED.findall(path.read_text("utf-8"))
            needs[path] = [(path.parent / name).resolve() for name in names]
            waiting += needs[path]
    order = graphlib.TopologicalSorter(needs).static_order()
    return "\n".join(_BETWEEN.sub("", path.read_text("utf-8")) for path in order)
