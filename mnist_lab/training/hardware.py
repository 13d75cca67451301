"""The processor and the graphics cards of this computer.

The code for graphics cards follows TensorFlow's documentation. It has never run on one.
"""

import os
import platform
import re
from pathlib import Path
from typing import Any

import tensorflow as tf


def graphics_cards() -> list[dict[str, Any]]:
    """Return TensorFlow's details of each graphics card, such as its `device_name`."""
    details = tf.config.experimental.get_device_details
    return [details(card) for card in tf.config.list_physical_devices("GPU")]


def has_bfloat16() -> bool:
    """Whether the hardware multiplies bfloat16 numbers.

    Linux lists it among a processor's flags; NVIDIA's cards do it from compute capability 8.0 on.
    """
    if cards := graphics_cards():
        return all(card.get("compute_capability", (0, 0)) >= (8, 0) for card in cards)
    flags = _cpuinfo()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def machine() -> str:
    """Describe system, architecture, processor and graphics cards in words."""
    model = re.search(r"model name\s*: (.+)", _cpuinfo())
    processor = model[1] if model else platform.processor()
    cores = f"{os.cpu_count()} processors" + (f" ({processor})" if processor else "")
    cards = [card.get("device_name", "a graphics card") for card in graphics_cards()]
    return ", ".join([f"{platform.system()} {platform.machine()}", cores, *cards])


def _cpuinfo() -> str:
    """Return Linux' description of the processor; an empty text on other systems."""
    try:
        return Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return ""
