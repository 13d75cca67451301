"""What the tests share: the real MNIST, and a small piece of it."""

import pytest

import mnist_lab as lab


@pytest.fixture(scope="session")
def data():
    return lab.load_mnist()


@pytest.fixture(scope="session")
def small(data):
    """330 and 120 real images: five whole batches of 64 and a short one of 10."""
    return lab.Dataset(
        data.x_train[:330], data.y_train[:330], data.x_valid[:120], data.y_valid[:120], "small"
    )
