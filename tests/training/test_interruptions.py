"""Ctrl-C and Interrupt end a training early, and lose nothing."""

import contextlib
import os
import signal
import subprocess
import sys

import numpy as np
from classifiers import compiled

import mnist_lab as lab


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


def test_ctrl_c_in_a_terminal_keeps_the_run(tmp_path):
    file = tmp_path / "run.npz"
    command = [sys.executable, "-m", "mnist_lab", "train", "linear", "--epochs", "5000"]
    terminal, inside = os.openpty()
    with subprocess.Popen([*command, "--save", str(file)], stdout=inside) as process:
        os.close(inside)
        said = ""
        while " left" not in said:
            said += os.read(terminal, 1000).decode()
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # how Linux ends what comes out of a terminal
            while more := os.read(terminal, 1000):
                said += more.decode()
    os.close(terminal)
    assert process.returncode == 130
    assert "stopped after" in said
    assert said.splitlines()[-1].startswith("final validation accuracy: ")
    run = lab.Run.load(file)
    assert run.interrupted
    assert 0 < len(run.batch_loss) < 5000 * 600
