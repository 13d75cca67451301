"""Each test asks for hints as in a kernel that has just started."""

import pytest

from mnist_lab.checks import hints


@pytest.fixture(autouse=True)
def no_hints_given():
    hints.forget_all()
