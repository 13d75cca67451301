"""Looks into the text of answers for what an answer does not need: it is never run here.

A student's code can reach what tells the judge of its answers, and the lab ships every solution.
Neither can be prevented, but both leave their names in the text.
"""

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence

import mnist_lab

from ..notebooks import Exercise

# What answers are written with: nothing in it reaches a file, another process or the lab's inside.
_HARMLESS = {
    *("IPython.display", "PIL", "collections", "copy", "dataclasses", "datetime", "decimal"),
    *("fractions", "functools", "itertools", "keras", "math", "matplotlib", "numpy", "operator"),
    *("pandas", "random", "re", "scipy", "seaborn", "sklearn", "statistics", "string"),
    *("tensorflow", "time", "tqdm", "typing", "warnings"),
}
# Parts of these that read, write, or run something else.
_DOUBTFUL = {
    *("keras.models.load_model", "keras.saving", "keras.src", "keras.config", "numpy.ctypeslib"),
    *("numpy.fromfile", "numpy.load", "numpy.memmap", "tensorflow.io", "tensorflow.load_library"),
    *("tensorflow.load_op_library", "tensorflow.numpy_function", "tensorflow.py_function"),
    *("tensorflow.raw_ops", "tensorflow.saved_model", "tensorflow.python", "pandas.io"),
    "pandas.read_pickle",
}
# What the lab has ready of that which notebooks ask for.
_READY = {
    *("mnist_lab.PARTS", "mnist_lab.PROGRAMS", "mnist_lab.build_cnn", "mnist_lab.build_linear"),
    *("mnist_lab.build_mlp", "mnist_lab.build_modern_cnn", "mnist_lab.model_answer"),
}
_BUILTIN = {
    *("__builtins__", "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "exit"),
    *(
        "get_ipython",
        "getattr",
        "globals",
        "input",
        "locals",
        "memoryview",
        "open",
        "quit",
        "setattr",
    ),
    *("vars",),
}
_USUAL = {"__call__", "__doc__", "__init__", "__len__", "__name__", "__version__"}
_ALIASES = {
    "lab": "mnist_lab",
    "keras": "keras",
    "np": "numpy",
    "plt": "matplotlib.pyplot",
    "tf": "tensorflow",
}


def look(cells: Sequence[tuple[str, str, bool]], exercise: Exercise) -> dict[str, tuple[str, ...]]:
    """Say of each answer in code what it calls that an answer does not need.

    Parameters
    ----------
    cells
        A student's notebook, as `examine` takes it.
    exercise
        Which it is a copy of. What its cells and the solution of a question name is needed.

    Returns
    -------
    dict of str to tuple of str
        By the id of the answer's cell names as the code has them, such as "lab.build_mlp" or
        "ctypes.CDLL"; with the cell, where that is another one that the answer uses, or one that
        may have changed the lab or Python itself. Other answers are left out.
    """
    asked = {question.check: question.cell for question in exercise.questions if question.check}
    own = {
        name: parsed(source)
        for name, source, is_check in cells
        if not (is_check or (name in exercise.cells and exercise.cells[name].source == source))
    }
    aliases = dict(_ALIASES)
    for tree in own.values():
        aliases |= _imported(tree)
    doubtful = {}
    for name, tree in own.items():
        try:
            doubtful[name] = [*_doubtful(tree, aliases)]
        except RecursionError:
            doubtful[name] = [("code that is nested too deeply", "")]
    usual = {
        name: {_module(word, aliases) for word in _dotted(parsed(source))}
        for name, source in exercise.solutions.items()
    }
    ran, found = {}, {}
    for name, source, is_check in cells:
        if name in own:
            ran[name] = own[name]
        elif is_check:
            cell = asked[name]
            used = _used_by([ran.get(cell, ast.Module([], [])), parsed(source)], ran)
            called = [
                text if each == cell else f"{text} in cell {each}"
                for each in sorted(ran, key=lambda each: each != cell)
                for text, whole in doubtful[each]
                if whole not in usual.get(each, usual[cell])
                and (each == cell or each in used or whole not in _READY)
            ]
            if called:
                found[cell] = tuple(dict.fromkeys(called))
    return found


def parsed(source: str) -> ast.Module:
    """The tree of a cell without IPython's own lines; empty for one that cannot run either."""
    lines = [line for line in source.split("\n") if not line.lstrip().startswith(("%", "!", "?"))]
    try:
        with warnings.catch_warnings(action="ignore"):  # warnings about a student's code
            return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _imported(tree: ast.Module) -> dict[str, str]:
    """The modules, and what is taken from modules, by the names that a cell gives them."""
    found = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for each in node.names:
            first = (module or each.name).partition(".")[0]
            found[first] = first
            if each.asname or module:
                found[each.asname or each.name] = module + each.name
    return found


def _dotted(tree: ast.AST) -> Iterator[str]:
    """All names in a cell, and all modules, with the dots behind them: "lab.build_mlp"."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield ast.unparse(node) if _is_plain(node) else f"(...).{node.attr}"
            # Within "a.b.c" no further names are looked for, within "f(x).c" they are.
            if not _is_plain(node):
                yield from _dotted(node)
        else:
            if isinstance(node, ast.Import):
                yield from (each.name for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{each.name}" for each in node.names)
            yield from _dotted(node)


def _is_plain(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _module(name: str, aliases: Mapping[str, str]) -> str:
    """A name with its module: "lab.build_mlp" is "mnist_lab.build_mlp"."""
    first, dot, rest = name.partition(".")
    return f"{aliases.get(first, first)}{dot}{rest}"


def _doubtful(tree: ast.AST, aliases: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What a cell names that few answers need: as it stands there, and with its module."""
    for name in _dotted(tree):
        whole = _module(name, aliases)
        first, _, rest = name.partition(".")
        inner = {part for part in rest.split(".") if part[:2] == "__" == part[-2:]} - _USUAL
        hidden = name.endswith(".solution") or inner or (not rest and name in _BUILTIN)
        if hidden or (first in aliases and _reaches_out(whole)):
            yield name, whole
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
        for target in targets:
            name = ast.unparse(target)
            if isinstance(target, ast.Attribute) and name.partition(".")[0] in aliases:
                yield f"{name} = ...", ""


def _reaches_out(whole: str) -> bool:
    """Whether a name of a module is none that an answer is written with."""
    parts = whole.split(".")
    prefixes = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    if parts[0] == "mnist_lab":
        return bool(prefixes & _READY) or (len(parts) > 1 and parts[1] not in mnist_lab.__all__)
    return bool(prefixes & _DOUBTFUL) or not prefixes & _HARMLESS


def _used_by(trees: Sequence[ast.AST], others: Mapping[str, ast.Module]) -> list[str]:
    """The other cells whose names an answer uses, or a cell uses that it uses."""
    needed, found = {name.partition(".")[0] for tree in trees for name in _dotted(tree)}, []
    while more := [
        name for name, tree in others.items() if name not in found and _defined(tree) & needed
    ]:
        found += more
        needed |= {each.partition(".")[0] for name in more for each in _dotted(others[name])}
    return found


def _defined(tree: ast.Module) -> set[str]:
    """The names that a cell gives to what it makes."""
    return {
        node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    }
