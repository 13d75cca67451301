"""Ctrl-C and Interrupt end a training early, and lose nothing."""

import os
import random
import signal
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from classifiers import compiled, sequential, sgd, softmax
from keras import layers
from stress_interrupts import ctrl_c, interrupt_in_kernel, threads_environment

import mnist_lab as lab
from mnist_lab.signals import signals_blocked

unix = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no masks")
linux = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="only Linux tells masks")


@pytest.fixture(autouse=True)
def listening():
    """As in a terminal: what is started in the background of a shell hears no Ctrl-C."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


def test_interrupt_returns_what_was_trained(small, capsys):
    def interrupt(run):
        if run.epochs == 2:
            os.kill(os.getpid(), signal.SIGINT)

    usual = signal.getsignal(signal.SIGINT)
    model = compiled("sequential, SGD")
    run = lab.train(model, small, epochs=10_000, seed=0, callback=interrupt)
    assert run.interrupted
    assert run.epochs == 2
    assert "the model keeps what it learned" in capsys.readouterr().out
    x = small.x_valid.reshape(-1, 784) / np.float32(255)
    right = model.predict(x, verbose=0).argmax(axis=1) == small.y_valid
    assert right.mean() > 0.3
    assert signal.getsignal(signal.SIGINT) is usual


def test_the_second_interrupt_is_pythons_own(small):
    usual = signal.getsignal(signal.SIGINT)

    def interrupt_twice(run):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        lab.train(compiled("sequential, SGD"), small, epochs=10_000, callback=interrupt_twice)
    assert signal.getsignal(signal.SIGINT) is usual


@unix
def test_signals_wait_until_the_computing_is_done():
    heard, before = [], signal.pthread_sigmask(signal.SIG_BLOCK, ())
    usual = signal.signal(signal.SIGUSR1, lambda *_: heard.append("USR1"))
    try:
        with signals_blocked():
            # To this thread, for in a process that has others, one of them might take it.
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
            assert not heard
        assert heard == ["USR1"]
        with pytest.raises(KeyboardInterrupt), signals_blocked():
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGUSR1, usual)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@unix
def test_no_iteration_and_no_validation_hears_a_signal(small):
    blocked = []

    def look(x):
        def note(values):
            blocked.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
            return values

        images = keras.tree.flatten(x)[0]
        return tf.ensure_shape(tf.py_function(note, [images], tf.float32), images.shape)

    model = sequential(layers.Lambda(look, output_shape=(784,)), softmax())
    model.compile(sgd(), "categorical_crossentropy")
    lab.train(model, small, epochs=1, batch_size=64)
    assert len(blocked) >= 8  # six batches, two evaluations
    assert all(blocked)


MASKS = """
import os, re, sys
import numpy
def masks():
    for task in os.listdir("/proc/self/task"):
        said = open(f"/proc/self/task/{task}/status").read()
        yield task, int(re.search(r"SigBlk:\\s+(\\w+)", said)[1], 16)
before = dict(masks())
for module in sys.argv[1:]:
    __import__(module)
import mnist_lab as lab
whole = lab.load_mnist()
some = [each[:500] for each in (whole.x_train, whole.y_train, whole.x_valid, whole.y_valid)]
data = lab.Dataset(*some)
for part in ("linear", "cnn"):
    lab.train(lab.PARTS[part].build(), data, epochs=1)
own = [mask for task, mask in masks() if task not in before]
print(len(own), sum(mask >> 1 & 1 for mask in own))  # SIGINT is number 2
"""


@linux
@pytest.mark.gate
@pytest.mark.parametrize("first", ["mnist_lab", "keras"])
def test_tensorflows_own_threads_never_take_an_interrupt(first):
    done = subprocess.run(
        [sys.executable, "-c", MASKS, first], capture_output=True, text=True, check=True
    )
    threads, blocked = map(int, done.stdout.split()[-2:])
    assert threads == blocked > 3


def cases(*others):
    """One computing thread and the linear part, where most died; the others in the gate."""
    return pytest.mark.parametrize(
        ("part", "threads"),
        [("linear", 1), *(pytest.param(*case, marks=pytest.mark.gate) for case in others)],
    )


@unix
@cases(("cnn", 1))
def test_ctrl_c_in_a_terminal_keeps_the_run(tmp_path, part, threads):
    file = tmp_path / "run.npz"
    code, said = ctrl_c(part, file, threads_environment(threads), random.Random(part).random())
    assert code == 130, said
    assert "stopped after" in said
    assert said.splitlines()[-1].startswith("final validation accuracy: ")
    run = lab.Run.load(file)
    assert run.interrupted
    assert 0 < len(run.batch_loss) < 5000 * 600


@unix
@cases(("cnn", 2))
def test_interrupts_in_a_notebook_keep_the_run(part, threads):
    precisions, count = ("float32", "bfloat16"), 4 if part == "linear" else 2
    assert interrupt_in_kernel(part, precisions, threads, count, random.Random(0)) == (count, 0)
