"""bfloat16: computing in shorter numbers, except for the weights and the output."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def mixed_precision(model: keras.Model, precision: str) -> Iterator[None]:
    """Let the layers before the output layer compute in bfloat16 while tracing.

    The weights stay float32, and so do the output layer, the last with weights, and all after it.
    """
    layers = [layer for layer in model._flatten_layers() if not layer._layers]
    last = max((i for i, layer in enumerate(layers) if layer.weights), default=0)
    lowered = layers[:last] if precision == "bfloat16" else []
    policies = [layer.dtype_policy for layer in lowered]
    for layer in lowered:
        layer.dtype_policy = "mixed_bfloat16"
    try:
        yield
    finally:
        for layer, policy in zip(lowered, policies, strict=True):
            layer.dtype_policy = policy
