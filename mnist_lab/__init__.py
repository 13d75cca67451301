"""A laboratory for a first neural network: MNIST, four models, one training loop.

import mnist_lab as lab

data = lab.load_mnist()
model = lab.build_mlp(dropout=0.5)
run = lab.train(model, data, epochs=3, seed=0)
lab.plot_accuracy(run)
"""

import importlib

from . import quiet

quiet.install()

# Where each public name lives. Modules load on first use, TensorFlow with them.
_HOMES = {
    "DataError": "support",
    "Dataset": "data",
    "load_mnist": "data",
    "download_mnist": "data",
    "ClippedCrossentropy": "models",
    "build_linear": "models",
    "build_mlp": "models",
    "build_cnn": "models",
    "build_modern_cnn": "models",
    "describe": "descriptions",
    "Run": "runs",
    "load_records": "runs",
    "train": "training",
    "predict": "training",
    "epoch_order": "training",
    "train_replicas": "training",
    "PARTS": "course",
    "CheckResult": "checks",
    "check": "checks",
    "check_answer": "checks",
    "check_count": "checks",
    "check_data": "checks",
    "model_answer": "checks",
    "withhold_solutions": "checks",
    "plot_accuracy": "plots",
    "plot_iterations": "plots",
    "compare": "plots",
    "plot_digits": "plots",
    "plot_confusion": "plots",
    "plot_survival": "plots",
    "plot_by_size": "plots",
    "plot_reliability": "plots",
    "explore": "laboratory",
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
