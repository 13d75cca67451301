"""A laboratory for a first neural network: MNIST, four models, one training loop.

import mnist_lab as lab

data = lab.load_mnist()
model = lab.build_mlp(dropout=0.5)
run = lab.train(model, data, epochs=3, seed=0)
lab.plot_accuracy(run)
"""

import lazy_loader

from . import quiet

__version__ = "0.2.0"

quiet.install()

# The public names are those that __init__.pyi imports, where editors find them too. Modules load
# on first use, TensorFlow with them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
