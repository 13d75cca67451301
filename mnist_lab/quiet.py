"""Prepares TensorFlow's import: oneDNN's convolutions, less time, no C++ start-up messages.

TensorFlow reports processor features and missing graphics cards on standard error. Notebooks show
that in red, and students take it for their own mistake. No setting of TensorFlow 2.21 turns it off.
"""

import contextlib
import ctypes
import gc
import importlib.abc
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType

from .signals import signals_blocked

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h
# Set in the environment of a process that only forks others. It loads TensorFlow without starting
# its threads, which would not survive in the forks; each fork calls `install`.
ASLEEP = "MNIST_LAB_ASLEEP"


class _TensorFlowFinder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as Python does, and hides standard error while it loads."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None:  # libraries may look for it without loading it
            load = spec.loader.exec_module

            def load_quietly(module):
                with stderr_hidden():
                    with uncollected():
                        load(module)
                    if ASLEEP not in os.environ:
                        _wake(module)

            spec.loader.exec_module = load_quietly
        return spec


def _wake(tensorflow: ModuleType) -> None:
    """Let TensorFlow look for graphics cards, and start XLA and its threads.

    It prints a message for each, which would appear in the middle of a student's cell if this
    happened later. And its threads start here with signals blocked.
    """
    _configure_cards(tensorflow)
    # A TensorFlow without XLA raises one of these.
    with signals_blocked(), contextlib.suppress(tensorflow.errors.OpError, ValueError):
        tensorflow.function(lambda: tensorflow.constant(0), jit_compile=True)()


def _configure_cards(tensorflow: ModuleType) -> None:
    """Let graphics cards allocate memory as needed, and compute in full float32.

    By default TensorFlow takes all of a card's memory, so that a second notebook finds none, and
    recent cards round the factors of products to 11 bits (TensorFloat-32).
    """
    experimental = tensorflow.config.experimental
    experimental.enable_tensor_float_32_execution(False)
    for card in tensorflow.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # it was in use before the lab was imported
            experimental.set_memory_growth(card, True)


def install() -> None:
    """Make the next import of TensorFlow quiet, and TensorFlow itself frugal and fast."""
    # For later messages, while compiling for instance, TensorFlow's own setting is enough.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # glibc gives threads separate heaps, up to eight for each processor; memory that one has freed
    # is not available to the others. With two heaps the laboratory's memory stays flat.
    if sys.platform == "linux":
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)
    if "tensorflow" in sys.modules:
        with stderr_hidden():
            _wake(sys.modules["tensorflow"])
    else:
        # Without AVX-512 TensorFlow does not use oneDNN's convolutions unless this is set, and the
        # CNN then takes 1.6 times as long to train (docs/speed.md).
        if platform.machine().lower() in ("x86_64", "amd64"):
            os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        sys.meta_path.insert(0, _TensorFlowFinder())


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python's garbage collector from looking at what is made here, now and later.

    TensorFlow's half a million objects stay as long as the process. To look through them again and
    again takes a seventh of the import, and most of every later full collection.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextlib.contextmanager
def stderr_hidden() -> Iterator[None]:
    """Hide what Python and C++ write to standard error; show all of it if an error occurs."""
    sys.stderr.flush()
    usual = os.dup(2)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.dup2(usual, 2)
            shutil.copyfileobj(aside, sys.stderr)
            raise
        finally:
            sys.stderr.flush()
            os.dup2(usual, 2)
            os.close(usual)
