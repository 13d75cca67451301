"""Layers computed in another way than Keras', with the same results, while a step is traced.

Put in place for whatever layers a student has written, and taken away behind the trace.
"""

import contextlib
from collections.abc import Callable, Iterator

import keras


@contextlib.contextmanager
def called_otherwise(
    model: keras.Model, suits: Callable[..., bool], replacement: Callable[..., Callable]
) -> Iterator[None]:
    """Replace `call` of those layers of a model that suit, for a while."""
    replaced = [layer for layer in model._flatten_layers() if suits(layer)]
    for layer in replaced:
        vars(layer)["call"] = replacement(layer)
    try:
        yield
    finally:
        for layer in replaced:
            del vars(layer)["call"]
