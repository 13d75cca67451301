"""Whether a model's loss takes class numbers or one-hot rows, probabilities or logits.

Keras' own losses declare it. A function or a custom loss class is tried on right and on wrong
outputs.
"""

import keras
import numpy as np

from ..signals import signals_blocked


def takes_class_numbers(model: keras.Model, input_shape: tuple[int, ...], classes: int) -> bool:
    """Whether a model's loss takes class numbers, like sparse losses, instead of one-hot rows.

    Raises
    ------
    ValueError
        If the loss takes neither.
    """
    prefers: dict[bool, bool] = {}
    for sparse in (False, True):
        try:
            right, wrong = (_loss(model, input_shape, classes, sparse, by) for by in (0, 1))
            # A loss that misreads its labels finds both equally wrong, except for rounding.
            prefers[sparse] = right < wrong - 1e-5 * abs(wrong)
        except Exception as problem:  # a custom loss may raise anything
            refusal = problem
    if not prefers:
        raise ValueError(
            f"the loss of model {model.name!r} takes neither one-hot rows nor class numbers: "
            f"{str(refusal).splitlines()[0]}"
        ) from refusal
    return max(prefers, key=prefers.get)


def takes_logits(model: keras.Model, input_shape: tuple[int, ...], classes: int) -> bool:
    """Whether a model's loss takes logits, so that the model's outputs are not probabilities."""
    loss = keras.tree.flatten(model.loss)[0]
    if hasattr(loss, "from_logits"):
        return loss.from_logits
    own = getattr(loss, "__module__", None) or type(loss).__module__
    if isinstance(loss, str) or own.split(".")[0] == "keras":
        return False
    sparse = takes_class_numbers(model, input_shape, classes)
    right, wrong = (_loss(model, input_shape, classes, sparse, by) for by in (0, 1))
    # A loss from logits begins with a softmax, which does not change if all outputs are raised.
    raised = _loss(model, input_shape, classes, sparse, 0, raised=1)
    return abs(raised - right) < 0.01 * abs(wrong - right)


def _loss(
    model: keras.Model,
    input_shape: tuple[int, ...],
    classes: int,
    sparse: bool,
    wrong_by: int,
    raised: float = 0,
) -> float:
    """Return the loss of an image of each class whose highest output is `wrong_by` classes off."""
    labels, one_hot = np.arange(classes, dtype=np.int32), np.eye(classes, dtype=np.float32)
    outputs = 0.9 * np.roll(one_hot, wrong_by, axis=1) + 0.1 / classes + raised
    with signals_blocked():
        return float(
            model.compute_loss(
                x=np.zeros((classes, *input_shape), np.float32),
                y=keras.ops.convert_to_tensor(labels if sparse else one_hot),
                y_pred=keras.ops.convert_to_tensor(outputs.astype(np.float32)),
                training=False,
            )
        )
