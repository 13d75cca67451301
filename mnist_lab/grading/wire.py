"""Messages from a student's process to its judge: plain data and arrays, within bounds.

A message is a line of JSON, which says what the arrays are, and then the bytes of each array.
Nothing is unpickled. Messages in the other direction come from the lab's own code, and are pickled.
"""

import json
import math
from collections.abc import Sequence
from multiprocessing import BufferTooShort
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

LARGEST = 2**30  # bytes of a message's arrays
KINDS = "?buifcSU"  # of NumPy's types, those whose bytes say all
_LONGEST = 2**26  # bytes of its JSON
_MOST_ARRAYS = 10_000


class MalformedError(BaseException):
    """What arrived is no answer. It passes through a check, which takes no blame for it."""


def send(connection: Connection, number: int, said: Any, arrays: Sequence[np.ndarray]) -> None:
    """Send a message.

    Parameters
    ----------
    connection
        To the judge.
    number
        Of the request that it answers.
    said
        JSON.
    arrays
        What it refers to by index; of types in `KINDS`.
    """
    about = [[array.dtype.str, array.shape] for array in arrays]
    connection.send_bytes(json.dumps([number, said, about]).encode())
    for array in arrays:
        if array.size:
            connection.send_bytes(
                memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
            )


def receive(connection: Connection, number: int) -> tuple[Any, list[np.ndarray]]:
    """Receive the answer to a request.

    Parameters
    ----------
    connection
        To a student's process.
    number
        Of the request.

    Raises
    ------
    MalformedError
        If it is no answer to this request, or too large.
    EOFError
        If the other side is gone.
    """
    try:
        found, said, about = json.loads(connection.recv_bytes(_LONGEST))
        if found != number or len(about) > _MOST_ARRAYS:
            raise MalformedError
        arrays = [_announced(*each) for each in about]
        if sum(array.nbytes for array in arrays) > LARGEST:
            raise MalformedError
        for array in arrays:
            into = memoryview(array.reshape(-1).view(np.uint8))
            if array.size and connection.recv_bytes_into(into) != array.nbytes:
                raise MalformedError
    except (ValueError, TypeError, RecursionError, MemoryError, BufferTooShort) as problem:
        raise MalformedError from problem
    return said, arrays


def _announced(dtype: str, shape: Sequence[int]) -> np.ndarray:
    """An array for what is announced; the system gives it memory where it is written."""
    kind = np.dtype(dtype)
    if kind.kind not in KINDS or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("no array of numbers or texts")
    if math.prod(shape) * kind.itemsize > LARGEST:
        raise ValueError("too large")
    return np.zeros(shape, kind)
