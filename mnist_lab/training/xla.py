"""XLA: which iterations gain by it, and what is told where it cannot compile them."""

import re

import tensorflow as tf

# Raised where XLA cannot compile a network, or where TensorFlow was built without XLA.
XLA_REFUSES = (tf.errors.OpError, ValueError)
# XLA on a CPU runs convolutions (and Keras' own random numbers) tens of times slower than
# TensorFlow's kernels do; matrix products and element-wise work it fuses and speeds up.
# The words of `dropout.py` are "FullInt" numbers, which XLA makes fast.
_SLOW_UNDER_XLA = re.compile(
    r"Conv[23]D|DepthwiseConv|Pool|^(Stateless)?(Random|Truncated|Parameterized)(?!.*FullInt)"
)
_told: set[str] = set()  # why XLA refused, so far


def suits_xla(traced) -> bool:
    """Whether XLA makes a traced function faster on a processor."""
    graph = traced.graph.as_graph_def()
    nodes = [graph.node, *(function.node_def for function in graph.library.function)]
    return not any(_SLOW_UNDER_XLA.search(node.op) for group in nodes for node in group)


def without_xla(problem: Exception) -> str:
    """Say why a training goes without XLA; nothing if this reason has been told before."""
    # The name of the operation is another one each time.
    reason = str(problem).split("\n")[0].split(" [Op:")[0]
    if reason in _told:
        return ""
    _told.add(reason)
    return f"Training without XLA, which is slower, with the same results within rounding: {reason}"
