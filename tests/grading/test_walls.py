"""What a process behind walls can do to what is outside: nothing."""

import contextlib
import multiprocessing
import os
import re
import sys

import pytest

from mnist_lab import quiet

if sys.platform != "linux":
    pytest.skip("only Linux has walls", allow_module_level=True)

import attacks
import hostile

from mnist_lab.grading import walls

if lacking := walls.missing():
    pytest.skip(f"missing here: {', '.join(lacking)}", allow_module_level=True)

USERS = {"root": 0, "user": attacks.NOBODY} if os.geteuid() == 0 else {"user": os.geteuid()}
QUICK = {"remove", "change_modes", "databases", "signals", "daemon", "network", "disk", "honest"}
# Those that a user can do, and that do not harm the tests themselves.
EFFECTIVE = {
    "remove": 8, "rename": 4, "create": 9, "change": 7, "change_modes": 11, "databases": 8,
    "network": 8,
}  # fmt: skip


@contextlib.contextmanager
def server(*preload):
    """Give a function that calls others in forks of a process which has no threads."""
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=attacks.serve, args=(there, *preload))
    process.start()
    there.close()

    def call(*request):
        here.send((request[0], request[1:]))
        return here.recv()

    yield call
    here.close()
    process.join()


@pytest.fixture(scope="module")
def call():
    with server() as call:
        yield call


@pytest.fixture(params=USERS.values(), ids=USERS)
def user(request):
    return request.param


def survives(answer, name):
    stopped, said, left = answer
    assert left == []
    assert re.fullmatch(attacks.ATTACKS[name].stopped, stopped)
    assert stopped or re.fullmatch(attacks.ATTACKS[name].said, said), said


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in QUICK else [pytest.mark.gate])
        for name in attacks.ATTACKS
        if name != "gfile"
    ],
)
def test_nothing_outside_is_harmed_and_nothing_is_left(call, name, user):
    survives(call(attacks.judge, name, user), name)


@pytest.mark.gate
def test_tensorflow_s_own_functions_stay_inside(monkeypatch):
    monkeypatch.setenv(quiet.ASLEEP, "1")
    with server("tensorflow") as call:
        survives(call(attacks.judge, "gfile", os.geteuid()), "gfile")
        achieved, harmed = call(attacks.try_without_walls, "gfile", os.geteuid())
    assert len(achieved) == 6
    assert harmed


@pytest.mark.gate
@pytest.mark.parametrize("name", EFFECTIVE)
def test_the_same_attacks_succeed_where_no_walls_stand(call, name):
    achieved, harmed = call(attacks.try_without_walls, name, USERS["user"])
    assert len(achieved) >= EFFECTIVE[name], achieved
    assert harmed


@pytest.mark.gate
@pytest.mark.parametrize("name", ["signals", "everybody", "network", "shared_memory"])
def test_rooms_do_not_meet(call, name, user):
    assert call(attacks.neighbours, name, user) == [["before", "after"], []]


@pytest.mark.gate
def test_a_room_ends_with_its_judge_even_if_that_is_killed(call, user):
    number, alive = call(attacks.abandon, user)
    assert number >= 5
    assert alive == []


def test_missing_walls_are_named_and_refused(call, user):
    asked, refused = call(attacks.ask_and_try, user)
    assert asked == refused
    assert re.fullmatch(r"namespaces of its own \(.+\)", *asked)


@pytest.mark.gate
@pytest.mark.parametrize("name", ["honest", "remove", "change", "network"])
def test_who_trusts_can_do_without_namespaces_and_keeps_the_other_walls(call, name, user):
    assert call(attacks.trust, name, user) == ["", "[]", []]


@pytest.mark.gate
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("sleep", "took longer than 1 s"),
        ("litter", "wrote more than 16 MB, or 500 files"),
        ("crash", "ended its kernel (SIGSEGV)"),
    ],
)
def test_a_trusted_process_is_bounded_without_namespaces(call, name, why):
    stopped, *_ = call(attacks.trust, name, USERS["user"])
    assert stopped == why


@pytest.mark.gate
@pytest.mark.parametrize(
    "name", [name for name, cell in hostile.HOSTILE.items() if cell.expected == hostile.STOPPED]
)
def test_a_hostile_cell_that_would_go_on_is_stopped(call, name):
    """The others are in notebooks of the class in `test_hostile.py`."""
    stopped, said, left = call(attacks.run_cell, name, os.geteuid())
    assert left == []
    assert "SyntaxError" not in said
    assert stopped
