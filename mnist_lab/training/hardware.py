"""What this computer computes with: its processor, and graphics cards where it has any.

What is said of graphics cards follows TensorFlow's documentation. It has not been run on one.
"""

import os
import platform
import re
from pathlib import Path
from typing import Any

import tensorflow as tf


def graphics_cards() -> list[dict[str, Any]]:
    """What TensorFlow tells of each graphics card: its `device_name`, its `compute_capability`."""
    details = tf.config.experimental.get_device_details
    return [details(card) for card in tf.config.list_physical_devices("GPU")]


def has_bfloat16() -> bool:
    """Whether bfloat16 numbers are multiplied in hardware.

    A processor says so on Linux; NVIDIA's graphics cards do it from compute capability 8.0 on.
    """
    if cards := graphics_cards():
        return all(card.get("compute_capability", (0, 0)) >= (8, 0) for card in cards)
    flags = _processor_as_linux_tells_it()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def machine() -> str:
    """System, architecture, processor and graphics cards in words."""
    model = re.search(r"model name\s*: (.+)", _processor_as_linux_tells_it())
    processor = model[1] if model else platform.processor()
    cores = f"{os.cpu_count()} processors" + (f" ({processor})" if processor else "")
    cards = [card.get("device_name", "a graphics card") for card in graphics_cards()]
    return ", ".join([f"{platform.system()} {platform.machine()}", cores, *cards])


def _processor_as_linux_tells_it() -> str:
    """Nothing on other systems."""
    try:
        return Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return ""
