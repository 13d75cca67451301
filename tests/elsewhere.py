"""A check whose answer is told as plain data and made again, as for a judge in another process."""

import itertools
import pickle
from collections import deque
from types import SimpleNamespace

from mnist_lab.grading import examinee
from mnist_lab.grading.judge import Witness, consult
from mnist_lab.grading.telling import Teller


class Loop:
    """A connection to a student's process that is this one: what is sent is answered at once."""

    def __init__(self, names):
        self.names, self.teller, self.told = SimpleNamespace(user_ns=names), Teller(), deque()

    def send(self, request):
        examinee.answer(self.names, self.teller, self, *pickle.loads(pickle.dumps(request)))

    def send_bytes(self, data):
        self.told.append(bytes(data))

    def recv_bytes(self, most):
        return self.told.popleft()

    def recv_bytes_into(self, buffer):
        data = self.told.popleft()
        buffer[:] = data
        return len(data)


def elsewhere(check):
    """A check of the lab that gets only what can be told."""

    def judge(*given, **options):
        names = {f"given_{number}": value for number, value in enumerate(given)} | options
        places = [*itertools.islice(names, len(given)), *(f"{key}={key}" for key in options)]
        return consult(Witness(Loop(names)), f"lab.{check.__name__}({', '.join(places)})")

    return judge
