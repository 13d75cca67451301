"""Which kinds of things a judge makes again from what it is told, and of what else it knows."""

import keras
import keras.src.ops.nn
import keras.src.ops.numpy
from keras.src.models.functional import Functional

from ..data import Dataset
from ..digits import Digits
from ..models import ClippedCrossentropy
from ..runs import Run, Settings
from ..seeds import Seeds

# The lab's own, by name.
OWN = {kind.__name__: kind for kind in (Dataset, Digits, Run, Seeds, Settings)}
# What a student may make a subclass of.
BASES = {
    "layer": keras.layers.Layer,
    "optimizer": keras.optimizers.Optimizer,
    "loss": keras.losses.Loss,
    "metric": keras.metrics.Metric,
    "schedule": keras.optimizers.schedules.LearningRateSchedule,
    "initializer": keras.initializers.Initializer,
    "regularizer": keras.regularizers.Regularizer,
    "constraint": keras.constraints.Constraint,
}
# Layers that only compute. Others read files, as StringLookup and TFSMLayer do, or run what they
# are told, as Lambda does.
_LAYERS = (
    *("Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average"),
    *("AveragePooling1D", "AveragePooling2D", "BatchNormalization", "CenterCrop", "Concatenate"),
    *("Conv1D", "Conv2D", "Conv2DTranspose", "Cropping2D", "Dense", "DepthwiseConv2D"),
    *("Dropout", "ELU", "EinsumDense", "Flatten", "GaussianDropout", "GaussianNoise"),
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D"),
    *("GlobalMaxPooling2D", "GroupNormalization", "Identity", "InputLayer"),
    *("LayerNormalization", "LeakyReLU", "MaxPooling1D", "MaxPooling2D", "Maximum", "Minimum"),
    *("Multiply", "Normalization", "PReLU", "Permute", "RandomBrightness", "RandomContrast"),
    *("RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "ReLU"),
    *("RepeatVector", "Rescaling", "Reshape", "Resizing", "SeparableConv2D", "Softmax"),
    *("SpatialDropout1D", "SpatialDropout2D", "Subtract", "UnitNormalization", "UpSampling2D"),
    "ZeroPadding2D",
)
_WINGS = (
    keras.constraints, keras.initializers, keras.losses, keras.metrics, keras.optimizers,
    keras.optimizers.schedules, keras.regularizers,
)  # fmt: skip
SAFE = {
    each.__name__: each
    for wing in _WINGS
    for each in vars(wing).values()
    if isinstance(each, type)
    and issubclass(each, tuple(BASES.values()))
    and each not in BASES.values()
}
SAFE |= {name: getattr(keras.layers, name) for name in _LAYERS}
SAFE |= {each.__name__: each for each in (keras.Sequential, Functional, ClippedCrossentropy)}
# What Keras may make of a configuration; between layers, a network adds, multiplies and so on.
ALLOWED = {*SAFE.values()} | {
    each
    for wing in (keras.src.ops.nn, keras.src.ops.numpy)
    for each in vars(wing).values()
    if isinstance(each, type) and issubclass(each, keras.Operation) and each is not keras.Operation
}
