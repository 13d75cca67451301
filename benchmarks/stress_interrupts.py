"""Interrupt trainings at random moments, and count those that die of it.

    python benchmarks/stress_interrupts.py [COUNT [PATTERN]]

Each line is one way to train: in a notebook's kernel or as a command in a terminal, on one
computing thread or on two. COUNT trainings of each (100) get one Ctrl-C; the process has to survive
it, and what was trained has to be whole. PATTERN, a regular expression, chooses lines.
"""

import contextlib
import itertools
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jupyter_client import manager

import mnist_lab as lab

PARTS = ("linear", "mlp", "cnn")
# A part of the images, so that validation is as likely to be hit as training.
BEGIN = """
import mnist_lab as lab
whole = lab.load_mnist()
data = lab.Dataset(whole.x_train[:20000], whole.y_train[:20000], whole.x_valid, whole.y_valid)
model = lab.PARTS["{part}"].build()
"""
TRAIN = """
run = lab.train(model, data, epochs=1000, precision="{precision}", progress=True)
print("whole:", run.interrupted, len(run.batch_loss) == len(run.batch_accuracy) > 0)
"""


def threads_environment(threads):
    """The environment in which TensorFlow computes on so many threads."""
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return os.environ | dict.fromkeys(names, str(threads))


def interrupt_in_kernel(part, precisions, threads, count, chance):
    """Interrupt `count` trainings in a notebook's kernel: how many ended well, how many died."""
    well = deaths = 0
    precision = itertools.cycle(precisions)
    while well + deaths < count:
        running, client = manager.start_new_kernel(
            kernel_name="python3", env=threads_environment(threads)
        )
        try:
            client.execute(BEGIN.format(part=part))
            while well + deaths < count:
                client.execute(TRAIN.format(precision=next(precision)))
                _wait_for(" left", running, client)
                time.sleep(chance.uniform(0, 1))
                running.interrupt_kernel()
                _wait_for("whole: True True", running, client)
                well += 1
        except ChildProcessError:
            deaths += 1
        finally:
            client.stop_channels()
            running.shutdown_kernel(now=True)
    return well, deaths


def _wait_for(words, running, client, seconds=600):
    """Wait until the kernel prints these words; ChildProcessError if it has died meanwhile."""
    deadline, said = time.monotonic() + seconds, ""
    while words not in said:
        with contextlib.suppress(Exception):  # queue.Empty of any kind
            content = client.get_iopub_msg(timeout=0.5)["content"]
            said += content.get("text", "") + " ".join(content.get("traceback", ()))
            continue
        if not running.is_alive():
            raise ChildProcessError
        assert time.monotonic() < deadline, said
    return said


def interrupt_in_terminal(part, threads, count, chance):
    """The same for the command `mnist-lab train` in a terminal; its file has to be whole."""
    well = deaths = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            file = Path(folder) / "run.npz"
            code, _ = ctrl_c(part, file, threads_environment(threads), chance.uniform(0, 1))
            if code == 130:
                assert lab.Run.load(file).interrupted
                well += 1
            else:
                assert code < 0, code
                deaths += 1
            file.unlink(missing_ok=True)
    return well, deaths


def ctrl_c(part, file, environment, seconds):
    """Press Ctrl-C while `mnist-lab train` trains in a terminal: its exit code, what it said."""
    command = [sys.executable, "-m", "mnist_lab", "train", part, "--epochs", "5000"]
    terminal, inside = os.openpty()
    with subprocess.Popen(
        [*command, "--save", str(file)], stdout=inside, stderr=inside, env=environment
    ) as process:
        os.close(inside)
        said = ""
        while " left" not in said:
            said += os.read(terminal, 1000).decode()
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # how Linux ends what comes out of a terminal
            while more := os.read(terminal, 1000):
                said += more.decode()
    os.close(terminal)
    return process.returncode, said


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    wanted = re.compile(sys.argv[2] if len(sys.argv) > 2 else "")
    chance = random.Random(0)
    print("| where | part | precision | threads | interrupted | died |\n|---|---|---|---|---|---|")
    for part, precision, threads in itertools.product(PARTS, ("float32", "bfloat16"), (1, 2)):
        name = f"kernel | {part} | {precision} | {threads}"
        if wanted.search(name):
            well, deaths = interrupt_in_kernel(part, [precision], threads, count, chance)
            print(f"| {name} | {well + deaths} | {deaths} |", flush=True)
    for part, threads in itertools.product(PARTS, (1, 2)):
        name = f"terminal | {part} | float32 | {threads}"
        if wanted.search(name):
            well, deaths = interrupt_in_terminal(part, threads, count, chance)
            print(f"| {name} | {well + deaths} | {deaths} |", flush=True)


if __name__ == "__main__":
    main()
