"""How fast `train` is: against a plain port of the sheet, and against what the processor can do.

For each part three processes take turns, an epoch each, so that whatever else the machine does
meanwhile falls on all of them: `model.fit` as the sheet calls it, `mnist_lab.train`, and the
floor. The floor of the dense networks is their bare matrix products and Adam's pass over the
weights; that of the CNN the operations of its convolutions at the speed of a large matrix product.
Validation is part of the first two, not of the floor. Medians after a warm-up epoch.

Some processes of `fit` are twice as slow as others from start to end: with the same processor time
they leave one of two processors idle. So each is started several times, one after the other, and
the fastest one counts; what the others took is printed, too. On a slow machine fewer images make
shorter epochs.

With `--peers`, other libraries train the same networks and take turns with these: PyTorch, as it
is and compiled, in the fastest of its usual ways (images in memory, the fused optimiser, channels
last), and the sheet's `fit` on JAX. Each library is installed with pip in an environment of its
own, in the folder that `--peers` names.

    python benchmarks/bench.py [--rounds 3] [--processes 3] [--images 60000] [--part mlp ...]
                                     [--peers FOLDER]
"""

import argparse
import itertools
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from environments import make_environment

PARTS = ("linear", "mlp", "dropout", "cnn")
BATCH = 100
# Of all processes that are measured; taken before the lab, once imported, sets more in it.
ENVIRONMENT = os.environ | {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONPATH": str(Path(__file__).parents[1]),
}


class Turn:
    """Lets this process work only when it is its turn, and tells how long its epoch took."""

    def __init__(self):
        self._wait()

    def done(self, seconds=None):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print("answer", seconds or time.perf_counter() - self._began, peak, flush=True)
        self._wait()

    def _wait(self):
        if not sys.stdin.readline():
            sys.exit()
        self._began = time.perf_counter()


def some_of_mnist(images):
    """The first images, and validation images in the same proportion."""
    import mnist_lab as lab

    data, few = lab.load_mnist(), images // 6
    train = data.x_train[:images], data.y_train[:images]
    return lab.Dataset(*train, data.x_valid[:few], data.y_valid[:few], data.name)


def plain(part, images, turn):
    """The sheet's way: float64 images, one-hot labels, `model.fit`; float32 inside Keras."""
    import keras

    import mnist_lab as lab

    data = some_of_mnist(images)
    shape = (-1, 28, 28, 1) if part == "cnn" else (-1, 784)
    x_train, x_valid = data.x_train.reshape(shape) / 255, data.x_valid.reshape(shape) / 255
    y_train, y_valid = (keras.utils.to_categorical(y, 10) for y in (data.y_train, data.y_valid))
    lab.PARTS[part].build().fit(
        x_train,
        y_train,
        batch_size=BATCH,
        epochs=1000,
        validation_data=(x_valid, y_valid),
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: turn.done())],
    )


def ours(part, images, turn, precision="float32"):
    """The lab's way."""
    import mnist_lab as lab
    from mnist_lab.training import loop

    loop.FIT_SAMPLE = loop.FIT_SAMPLE * images // 60_000  # judged once an epoch
    finished = 0

    def look(run):
        nonlocal finished
        if run.epochs > finished:
            finished = run.epochs
            turn.done()

    data, model = some_of_mnist(images), lab.PARTS[part].build()
    lab.train(model, data, epochs=1000, precision=precision, callback=look, progress=False)


def floor(part, images, turn, precision="float32"):
    """What the processor needs at the least."""
    measured = convolutions(precision) if part == "cnn" else products_and_adam(part, precision)
    for seconds in measured:
        turn.done(seconds * images)


def convolutions(precision):
    """Seconds for an image of the CNN's operations, at the speed of a large matrix product."""
    import tensorflow as tf

    first, second, last = 28 * 28 * 25 * 32, 14 * 14 * 25 * 32 * 64, 7 * 7 * 64 * 10
    # Forward, weights and input; the first layer needs no gradient of its input.
    operations = 2 * (2 * first + 3 * second + 3 * last)
    square = tf.cast(tf.random.normal((3000, 3000)), precision)
    while True:
        times = []
        for _ in range(10):
            began = time.perf_counter()
            tf.matmul(square, square).numpy()
            times.append(time.perf_counter() - began)
        yield operations * min(times) / (2 * 3000**3)


def products_and_adam(part, precision, number=100):
    """Seconds for an image of the dense networks' products, and of Adam's pass over the weights."""
    import tensorflow as tf

    def normal(*shape):
        return tf.cast(tf.random.normal(shape), precision)

    sizes = (784, 10, 10) if part == "linear" else (784, 1500, 1500, 1500, 10)
    products = []
    for rows, columns in itertools.pairwise(sizes):
        x, w, g = normal(BATCH, rows), normal(rows, columns), normal(BATCH, columns)
        products += [(x, w, {}), (x, g, {"transpose_a": True})]
        if rows != 784:
            products.append((g, w, {"transpose_b": True}))
    count = sum(rows * columns for rows, columns in itertools.pairwise(sizes))
    adam = [tf.Variable(tf.zeros(count)) for _ in range(3)]
    gradient = tf.random.normal((count,))

    def step(i, total):
        if part != "linear":
            var, m, v = (variable.handle for variable in adam)
            betas = {"beta1_power": 0.9, "beta2_power": 0.999, "beta1": 0.9, "beta2": 0.999}
            tf.raw_ops.ResourceApplyAdam(
                var=var, m=m, v=v, lr=0.001, epsilon=1e-8, grad=gradient, **betas
            )
        # One number of each product is used, or TensorFlow would leave the product out.
        used = [tf.matmul(a, b, **how)[0, 0] for a, b, how in products]
        return i + 1, total + tf.cast(tf.add_n(used), tf.float32)

    @tf.function(autograph=False)
    def steps():
        state = (tf.constant(0), tf.constant(0.0))
        return tf.while_loop(lambda i, _: i < number, step, state, parallel_iterations=1)

    while True:
        began = time.perf_counter()
        steps()[1].numpy()
        yield (time.perf_counter() - began) / BATCH / number


def pytorch(part, images, turn, precision="float32", compiled=False):
    """The same network in PyTorch; loss and accuracy are summed up on the way, as `fit` does."""
    import torch

    model = pytorch_network(part)
    model.to(memory_format=torch.channels_last)
    forward = torch.compile(model) if compiled else model
    if part == "linear":
        optimizer = torch.optim.SGD(model.parameters(), 0.5, fused=True)
    else:
        optimizer = torch.optim.Adam(model.parameters(), 0.001, fused=True)

    def judged(x, y):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            logits = forward(x).float()
        right = (logits.argmax(1) == y).sum()
        return torch.nn.functional.cross_entropy(logits, y), right

    (x_train, y_train), (x_valid, y_valid) = pytorch_images(part, images)
    while True:
        model.train()
        loss_sum, rights = torch.zeros(()), torch.zeros(())
        for rows in torch.randperm(images).split(BATCH):
            optimizer.zero_grad()
            loss, right = judged(x_train[rows], y_train[rows])
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach() * len(rows)
            rights += right
        model.eval()
        with torch.no_grad():
            for batch in zip(x_valid.split(500), y_valid.split(500), strict=True):
                judged(*batch)[0].item()
        turn.done()


def pytorch_network(part):
    """One of the sheet's networks, up to the logits."""
    from torch import nn

    if part == "linear":
        return nn.Sequential(nn.Linear(784, 10), nn.Linear(10, 10))
    if part == "cnn":
        first = nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)
        second = nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)
        return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(7 * 7 * 64, 10))
    layers = []
    for before in (784, 1500, 1500):
        layers += [nn.Linear(before, 1500), nn.ReLU()]
        layers += [nn.Dropout()] if part == "dropout" else []
    return nn.Sequential(*layers, nn.Linear(1500, 10))


def pytorch_images(part, images):
    """Training and validation images, float32 from 0 to 1, as PyTorch wants them, and labels."""
    import torch

    data = some_of_mnist(images)
    for x, y in ((data.x_train, data.y_train), (data.x_valid, data.y_valid)):
        x = torch.from_numpy(x) / 255
        if part == "cnn":
            x = x.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        else:
            x = x.flatten(1)
        yield x, torch.from_numpy(y).long()


def pytorch_compiled(part, images, turn, precision="float32"):
    """PyTorch, compiled; training and validation each have a compiled form."""
    pytorch(part, images, turn, precision, compiled=True)


WORKERS = {
    "plain": plain,
    "lab": ours,
    "floor": floor,
    "PyTorch": pytorch,
    "PyTorch-compiled": pytorch_compiled,
    "Keras-on-JAX": plain,
}
VARIANTS = ("plain", "lab", "floor", "lab bfloat16", "floor bfloat16")
# Who is measured beside these, and what is installed for it.
PEERS = {
    "PyTorch": ("torch", "numpy"),
    "PyTorch-compiled": ("torch", "numpy"),
    "PyTorch bfloat16": ("torch", "numpy"),
    "PyTorch-compiled bfloat16": ("torch", "numpy"),
    "Keras-on-JAX": ("jax", "keras", "numpy"),
}


def python_for(worker, folder):
    """The Python that has what a worker needs; peers have their own, made where it is missing."""
    if worker not in PEERS:
        return sys.executable
    home = (folder / PEERS[worker][0]).absolute()
    if not (home / "ready").exists():
        programs = make_environment(home, *PEERS[worker])
        (home / "ready").write_text(str(programs / "python"))
    return (home / "ready").read_text()


def fastest(part, options):
    """Of several processes of each worker, the seconds per epoch of the fastest; and peak GiB."""
    measured = [measure(part, options) for _ in range(options.processes)]
    seconds = {worker: [times[worker] for times, _ in measured] for worker in measured[0][0]}
    for worker, times in seconds.items():
        print(f"{part}, {worker}:", ", ".join(f"{each:.2f}" for each in sorted(times)), "s")
    peak = {worker: max(peaks[worker] for _, peaks in measured) for worker in seconds}
    return {worker: min(times) for worker, times in seconds.items()}, peak


def measure(part, options):
    """Median seconds per epoch, and peak GiB, of one process of each worker, all taking turns."""
    from mnist_lab.training.hardware import has_bfloat16

    workers = {}
    for worker in (*VARIANTS, *(PEERS if options.peers else ())):
        if "bfloat16" in worker and (part == "linear" or not has_bfloat16()):
            continue
        workers[worker] = subprocess.Popen(
            [
                *(python_for(worker, options.peers), __file__, "--worker", worker),
                *("--part", part, "--images", str(options.images)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT | {"KERAS_BACKEND": "jax" if "JAX" in worker else "tensorflow"},
        )
    seconds = {worker: [] for worker in workers}
    peak = {}
    for turn in range(options.rounds + 1):
        for worker, process in workers.items():
            process.stdin.write("go\n")
            process.stdin.flush()
            answer = next(line for line in process.stdout if line.startswith("answer")).split()
            peak[worker] = float(answer[2])
            if turn:
                seconds[worker].append(float(answer[1]))
        print(f"{part}: round {turn} of {options.rounds}", file=sys.stderr)
    for process in workers.values():
        process.stdin.close()
        process.wait()
    return {worker: statistics.median(times) for worker, times in seconds.items()}, peak


def table(part, seconds, peak):
    """The part's rows of the Markdown table."""
    for precision in ("", " bfloat16"):
        name = f"lab{precision}"
        if name in seconds:
            fit, lab, least = (seconds[key] for key in ("plain", name, f"floor{precision}"))
            over = "" if part == "linear" else f"{lab / least:.2f}"
            yield (
                f"| {part}{precision} | {fit:.2f} | {lab:.2f} | {fit / lab:.1f} | {over} | "
                f"{peak['plain']:.2f} | {peak[name]:.2f} |"
            )


def table_of_peers(part, seconds):
    """The part's row of the Markdown table of the others: how many times faster the lab is."""
    cells = []
    for peer in PEERS:
        lab = "lab bfloat16" if "bfloat16" in peer else "lab"
        measured = peer in seconds
        cells.append(f"{seconds[peer]:.2f}; {seconds[peer] / seconds[lab]:.2f}" if measured else "")
    return f"| {part} | " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="measured epochs (default 3)")
    parser.add_argument("--processes", type=int, default=3, help="of each kind (default 3)")
    parser.add_argument("--images", type=int, default=60_000, help="in an epoch (default all)")
    parser.add_argument("--part", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="measure them, too")
    parser.add_argument("--worker", choices=(*VARIANTS, *PEERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        kind, *precision = options.worker.split()
        WORKERS[kind](options.part[0], options.images, Turn(), *precision)
    rows = [
        "| part | model.fit, s per epoch | mnist_lab | times faster | multiple of the floor | "
        "peak GiB, model.fit | mnist_lab |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    others = [
        "| part | " + " | ".join(PEERS) + " |",
        "| --- " * (len(PEERS) + 1) + "|",
    ]
    for part in options.part:
        seconds, peak = fastest(part, options)
        rows += table(part, seconds, peak)
        if options.peers:
            others.append(table_of_peers(part, seconds))
    print("\n".join(rows))
    if options.peers:
        print("\nThe others: seconds per epoch; how many times faster mnist_lab is\n")
        print("\n".join(others))
    print(f"\n{options.images:,} images an epoch; of {options.processes} processes the fastest")


if __name__ == "__main__":
    main()
