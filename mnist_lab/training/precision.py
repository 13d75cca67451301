"""bfloat16: shorter numbers for all but the weights and the output."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def mixed_precision(model: keras.Model, precision: str) -> Iterator[None]:
    """Let all layers but the last with weights compute in bfloat16 while tracing.

    The weights stay float32, and so does what decides: the output layer and all after it.
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
