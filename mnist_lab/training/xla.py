"""XLA: whether it makes a traced function faster, and the note if it cannot compile one."""

import re

import tensorflow as tf

# Raised if XLA cannot compile a network, or if TensorFlow was built without XLA.
XLA_REFUSES = (tf.errors.OpError, ValueError)
# XLA on a CPU runs convolutions (and Keras' own random numbers) tens of times slower than
# TensorFlow's kernels; it fuses and speeds up matrix products and element-wise operations.
# The random words of `dropout.py` are "FullInt" numbers, which XLA computes fast.
_SLOW_UNDER_XLA = re.compile(
    r"Conv[23]D|DepthwiseConv|Pool|^(Stateless)?(Random|Truncated|Parameterized)(?!.*FullInt)"
)
_reported: set[str] = set()  # reasons that a note has already given


def suits_xla(traced) -> bool:
    """Whether XLA makes a traced function faster on a processor."""
    graph = traced.graph.as_graph_def()
    nodes = [graph.node, *(function.node_def for function in graph.library.function)]
    return not any(_SLOW_UNDER_XLA.search(node.op) for group in nodes for node in group)


def without_xla(problem: Exception) -> str:
    """Say why a training does not use XLA; return an empty text if a reason comes again."""
    # The operation's name differs each time.
    reason = str(problem).split("\n")[0].split(" [Op:")[0]
    if reason in _reported:
        return ""
    _reported.add(reason)
    return f"Training without XLA, which is slower, with the same results within rounding: {reason}"
