"""Before TensorFlow loads: selects oneDNN's convolutions, and hides C++ start-up messages.

It reports processor features and missing graphics cards on standard error, which notebooks show in
red and students take for their own mistakes. No setting of TensorFlow 2.21 turns this off.
"""

import contextlib
import ctypes
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
# In the environment of a process that only forks others: there TensorFlow is loaded, but none of
# its threads are started, for they would not live on in the forks. Each fork calls `install`.
ASLEEP = "MNIST_LAB_ASLEEP"


class _TensorFlowFinder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as Python does, and lets it load with standard error put aside."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None:  # libraries may ask for it without loading anything
            load = spec.loader.exec_module

            def load_quietly(module):
                with stderr_aside():
                    load(module)
                    if ASLEEP not in os.environ:
                        _wake(module)

            spec.loader.exec_module = load_quietly
        return spec


def _wake(tensorflow: ModuleType) -> None:
    """Have TensorFlow look for graphics cards, and start XLA and its threads.

    Now, and not in the middle of a student's cell, for either is announced but once; and here,
    where its threads learn never to take a signal.
    """
    _make_cards_fair(tensorflow)
    # A TensorFlow without XLA raises one or the other.
    with signals_blocked(), contextlib.suppress(tensorflow.errors.OpError, ValueError):
        tensorflow.function(lambda: tensorflow.constant(0), jit_compile=True)()


def _make_cards_fair(tensorflow: ModuleType) -> None:
    """Have graphics cards take memory as they need it, and compute float32 in full.

    TensorFlow takes all of a card's memory otherwise, so that a second notebook finds none, and
    recent cards shorten the factors of products to 11 bits (TensorFloat-32).
    """
    experimental = tensorflow.config.experimental
    experimental.enable_tensor_float_32_execution(False)
    for card in tensorflow.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # it was at work before the lab was imported
            experimental.set_memory_growth(card, True)


def install() -> None:
    """Make the next import of TensorFlow in this process a quiet, a frugal and a fast one."""
    # For what TensorFlow says later, compiling for instance; its own setting is enough there.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # glibc gives each thread a heap of its own, eight for each processor; what one has freed, the
    # others cannot use. With two the laboratory's memory stays flat from Start to Start.
    if sys.platform == "linux":
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)
    if "tensorflow" in sys.modules:
        with stderr_aside():
            _wake(sys.modules["tensorflow"])
    else:
        # Without AVX-512 TensorFlow leaves oneDNN's convolutions out, unless it is told otherwise;
        # a training of the CNN takes 1.6 times as long then (docs/speed.md).
        if platform.machine().lower() in ("x86_64", "amd64"):
            os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        sys.meta_path.insert(0, _TensorFlowFinder())


@contextlib.contextmanager
def stderr_aside() -> Iterator[None]:
    """Put aside what is written to standard error, C++ included; show it all if an error occurs."""
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
