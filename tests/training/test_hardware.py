"""What the lab does on a graphics card: tried with stand-ins, for it has never run on one."""

import types

import numpy as np
import pytest
import tensorflow as tf

import mnist_lab as lab
from mnist_lab import quiet
from mnist_lab.training import api, hardware, loop

T4 = {"device_name": "Tesla T4", "compute_capability": (7, 5)}
L4 = {"device_name": "NVIDIA L4", "compute_capability": (8, 9)}


@pytest.fixture
def with_cards(monkeypatch):
    """Have TensorFlow tell of these graphics cards."""

    def pretend(*cards):
        listed = {"GPU": list(range(len(cards)))}
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: listed[kind])
        monkeypatch.setattr(tf.config.experimental, "get_device_details", cards.__getitem__)

    return pretend


def test_a_machine_is_called_by_its_cards_too(with_cards):
    plain = hardware.machine()
    assert plain.count("processors") == 1
    with_cards()
    assert hardware.machine() == plain
    with_cards(T4, {})
    assert hardware.machine() == f"{plain}, Tesla T4, a graphics card"


@pytest.mark.parametrize(
    ("cards", "has"), [([T4], False), ([L4], True), ([L4, T4], False), ([{}], False)]
)
def test_bfloat16_needs_a_card_that_multiplies_it(with_cards, cards, has):
    with_cards(*cards)
    assert hardware.has_bfloat16() is has


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16", "avx512f"])
def test_or_a_processor_that_does(monkeypatch, flag):
    cpuinfo = f"model name\t: A Processor\nflags\t\t: fpu {flag} sse\n"
    monkeypatch.setattr(hardware, "_cpuinfo", lambda: cpuinfo)
    assert hardware.has_bfloat16() is (flag != "avx512f")
    assert hardware.machine().endswith(" processors (A Processor)")


@pytest.mark.gate
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_on_a_card_even_convolutions_are_compiled_by_xla(small, monkeypatch, precision):
    options, traced = [], loop.CompiledLoop._traced

    def see(self, batch_size, **how):
        options.append(how)
        return traced(self, batch_size, **how)

    monkeypatch.setattr(loop.CompiledLoop, "_traced", see)

    def train():
        model = lab.build_cnn(filters=(2, 4))
        return lab.train(model, small, epochs=1, batch_size=66, seed=0, precision=precision)

    monkeypatch.setattr(api, "has_bfloat16", lambda: True)
    plain = train()
    assert options == [{}]
    monkeypatch.setattr(loop, "graphics_cards", lambda: [T4])
    by_xla = train()
    assert options == [{}, {"jit_compile": True}]
    close = 1e-4 if precision == "float32" else 0.02
    assert np.allclose(by_xla.batch_loss, plain.batch_loss, rtol=close)


def test_cards_take_memory_as_they_need_it_and_compute_float32_in_full():
    grown, started = [], []

    def grow(card, enable):
        if card == "at work":
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        grown.append((card, enable))

    experimental = types.SimpleNamespace(
        set_memory_growth=grow, enable_tensor_float_32_execution=started.append
    )
    config = types.SimpleNamespace(
        experimental=experimental, list_physical_devices=lambda _: ["at work", "idle"]
    )
    quiet._configure_cards(types.SimpleNamespace(config=config))
    assert grown == [("idle", True)]
    assert started == [False]
    assert tf.config.experimental.tensor_float_32_execution_enabled() is False
