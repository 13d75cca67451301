"""The modules that are joined into one: for the widget, the page and its Worker."""

import collections
import re
from pathlib import Path

import pytest

import mnist_lab
from mnist_lab.support import join_modules

HOUSE = Path(mnist_lab.__file__).parent
NAMED = re.compile(r"^(?:async )?(?:const|let|class|function\*?) (\w+)", re.MULTILINE)


@pytest.mark.parametrize(
    "entry", ["laboratory/front/main.js", "web/shell/boot.js", "web/kernel/worker.js"]
)
def test_no_two_joined_modules_define_the_same_name(entry):
    """Of two functions with one name, JavaScript silently takes the second."""
    names = collections.Counter(NAMED.findall(join_modules(HOUSE / entry)))
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []
