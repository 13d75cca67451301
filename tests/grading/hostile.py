"""Cells of notebooks that want more than to be examined: points, files, other people's rows.

Each is put in front of a notebook, or in the place of an answer (`cell`). `{victim}` stands for a
folder outside that holds at least `file0.txt`, `grades0.db` and `weights.h5`, as the one that
`attacks.Canaries` fills; `cells` replaces it.
"""

import dataclasses
import textwrap

NO_POINT = "no point"  # it wants points; a notebook that is blank otherwise has none
ROW = "its row only"  # whatever comes of it, nothing outside and nobody else's row is different
STOPPED = "stopped"  # it would go on for ever or take too much, and its row says what ended it


@dataclasses.dataclass(frozen=True)
class Hostile:
    """A cell's source, what has to come of it, and the answer it replaces, if any."""

    source: str
    expected: str
    cell: str = ""


def cells(victim):
    """Return all cells by name, with the folder that they are after."""
    return {
        name: dataclasses.replace(
            each, source=textwrap.dedent(each.source).strip().replace("{victim}", str(victim))
        )
        for name, each in HOSTILE.items()
    }


HOSTILE = {
    # After points: what the checks see.
    "patched check": Hostile(
        """
        import mnist_lab as lab
        right = lab.CheckResult("right", "Right")
        lab.check_answer = lab.check = lab.check_count = lambda *_, **__: right
        """,
        NO_POINT,
    ),
    "patched result": Hostile(
        """
        import mnist_lab as lab
        made = lab.CheckResult.__init__
        lab.CheckResult.__init__ = lambda self, *_, **__: made(self, "right", "Right")
        """,
        NO_POINT,
    ),
    "property of the outcome": Hostile(
        """
        import mnist_lab as lab
        lab.CheckResult.outcome = property(lambda self: "right", lambda self, value: None)
        lab.CheckResult.__bool__ = lambda self: True
        """,
        NO_POINT,
    ),
    "another module": Hostile(
        """
        import sys, types
        class CheckResult:
            outcome, passed = "right", True
        class Lab(types.ModuleType):
            def __getattr__(self, name):
                return lambda *_, **__: CheckResult()
        for name in [name for name in sys.modules if name.startswith("mnist_lab")]:
            sys.modules[name] = Lab(name)
        lab = sys.modules["mnist_lab"]
        """,
        NO_POINT,
    ),
    "another import": Hostile(
        """
        import builtins, types
        real = builtins.__import__
        def fake(name, *more):
            if name.split(".")[0] == "mnist_lab":
                raise ImportError(name)
            return real(name, *more)
        builtins.__import__ = fake
        """,
        NO_POINT,
    ),
    "everything is close": Hostile(
        """
        import numpy as np
        np.allclose = np.array_equal = lambda *_, **__: True
        np.isclose = lambda *_, **__: np.bool_(True)
        np.testing.assert_allclose = lambda *_, **__: None
        """,
        NO_POINT,
    ),
    "patched JSON": Hostile(
        """
        import json
        real = json.dumps
        json.dumps = lambda what, *more, **named: real({"outcome": "right", "end": "flat-check"})
        json.JSONEncoder.encode = lambda self, what: '{"outcome": "right"}'
        """,
        NO_POINT,
    ),
    "patched pickles": Hostile(
        """
        import pickle, multiprocessing.reduction as reduction
        class Right:
            def __reduce__(self):
                return exec, ("open('{victim}/new', 'w')",)
        reduction.ForkingPickler.dumps = classmethod(lambda cls, *_: pickle.dumps(Right()))
        """,
        NO_POINT,
    ),
    "patched connection": Hostile(
        """
        import multiprocessing.connection as connection
        send = connection.Connection.send_bytes
        def lie(self, content, *more):
            for other in (b"wrong", b"not attempted", b"blank"):
                content = bytes(content).replace(other, b"right")
            send(self, content)
        connection.Connection.send_bytes = lie
        """,
        NO_POINT,
    ),
    "writes messages": Hostile(
        """
        import json, os, struct
        result = {"end": "flat-check", "outcome": "right", "first": "", "reason": ""}
        line = json.dumps(result).encode()
        for descriptor in range(3, 256):
            for message in (line + b"\\n", struct.pack("!i", len(line)) + line):
                try:
                    os.write(descriptor, message)
                except OSError:
                    pass
        """,
        NO_POINT,
    ),
    "writes pickles": Hostile(
        """
        import os, pickle, struct
        class Bomb:
            def __reduce__(self):
                return os.system, ("touch {victim}/new",)
        line = pickle.dumps(Bomb())
        for descriptor in range(3, 256):
            try:
                os.write(descriptor, struct.pack("!i", len(line)) + line)
            except OSError:
                pass
        """,
        NO_POINT,
    ),
    "announces two gigabytes": Hostile(
        """
        import os, struct
        for descriptor in range(3, 256):
            try:
                os.write(descriptor, struct.pack("!i", 2**31 - 1) + b"x" * 1000)
            except OSError:
                pass
        """,
        NO_POINT,
    ),
    "walks through the heap": Hostile(
        """
        import gc, types
        for thing in gc.get_objects():
            try:
                if isinstance(thing, dict) and "outcome" in thing:
                    thing["outcome"] = "right"
                if isinstance(thing, types.FunctionType) and "check" in thing.__name__:
                    thing.__code__ = (lambda *_, **__: {"outcome": "right"}).__code__
            except Exception:
                pass
        """,
        NO_POINT,
    ),
    "walks up the frames": Hostile(
        """
        import sys
        frame = sys._getframe()
        while frame:
            for name, value in list(frame.f_locals.items()):
                if isinstance(value, dict):
                    value["outcome"] = "right"
                if isinstance(value, list):
                    value.clear()
            frame = frame.f_back
        """,
        NO_POINT,
    ),
    "display hooks": Hostile(
        """
        import sys
        ip = get_ipython()
        ip.displayhook.__class__.__call__ = lambda self, result=None: None
        ip.display_formatter.format = lambda *_, **__: (
            {"application/vnd.mnist-lab.check+json": {"outcome": "right"}}, {}
        )
        sys.displayhook = lambda value: None
        """,
        NO_POINT,
    ),
    "another shell": Hostile(
        """
        from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
        import mnist_lab as lab
        def run_cell(self, source, *more, **named):
            done = ExecutionResult(None)
            done.result = lab.CheckResult("right", "Right")
            return done
        InteractiveShell.run_cell = run_cell
        """,
        NO_POINT,
    ),
    "rewrites the next cells": Hostile(
        """
        import ast
        class Right(ast.NodeTransformer):
            def visit_Module(self, node):
                return ast.parse("import mnist_lab as lab; lab.CheckResult('right', 'Right')")
        get_ipython().ast_transformers.append(Right())
        get_ipython().input_transformers_post.append(lambda lines: ["1\\n"])
        """,
        NO_POINT,
    ),
    "events of the shell": Hostile(
        """
        def make_right(result):
            result.error_in_exec = None
            result.result = type("CheckResult", (), {"outcome": "right"})()
        get_ipython().events.register("post_run_cell", make_right)
        """,
        NO_POINT,
    ),
    "traces": Hostile(
        """
        import sys
        def trace(frame, event, argument):
            if "outcome" in frame.f_locals:
                frame.f_locals["outcome"] = "right"
            return trace
        sys.settrace(trace)
        sys.setprofile(lambda *_: None)
        """,
        NO_POINT,
    ),
    "audits": Hostile(
        """
        import sys
        def refuse(event, arguments):
            if event in ("open", "import", "compile"):
                raise RuntimeError("no")
        sys.addaudithook(refuse)
        """,
        NO_POINT,
    ),
    "a thread goes on": Hostile(
        """
        import threading, time
        def meddle():
            while True:
                try:
                    import mnist_lab as lab
                    get_ipython().user_ns["pixels"] = lab.load_mnist().x_train[0].reshape(784) / 255
                    lab.CheckResult.outcome = "right"
                except Exception:
                    pass
                time.sleep(0.001)
        threading.Thread(target=meddle, daemon=True).start()
        """,
        NO_POINT,
    ),
    "a class that is everything": Hostile(
        """
        class Everything:
            @property
            def __class__(self):
                import numpy
                return numpy.ndarray
            __eq__ = __ne__ = __lt__ = __gt__ = lambda self, other: True
            __getattr__ = lambda self, name: self
            __call__ = lambda self, *_, **__: self
            __len__ = lambda self: 784
            __iter__ = lambda self: iter([0] * 784)
            __hash__ = lambda self: 0
            __float__ = lambda self: 0.5
            __int__ = __index__ = lambda self: 1
        pixels = Everything()
        """,
        NO_POINT,
        "flat",
    ),
    "an array that says so": Hostile(
        """
        import numpy as np
        class Equal(np.ndarray):
            def __array_function__(self, *_):
                return True
            def __array_ufunc__(self, *_, **__):
                return np.ones(784, bool)
        pixels = np.zeros(784, np.float32).view(Equal)
        """,
        NO_POINT,
        "flat",
    ),
    "answers when asked twice": Hostile(
        """
        class Later:
            asked = 0
            def __array__(self, *_, **__):
                import numpy as np
                Later.asked += 1
                return np.full(784, Later.asked)
        pixels = Later()
        """,
        NO_POINT,
        "flat",
    ),
    # Values that are hard to look at.
    "a virtual array": Hostile(
        """
        import numpy as np
        pixels = np.broadcast_to(np.float32(0.5), (50_000, 50_000))
        """,
        NO_POINT,
        "flat",
    ),
    "an array of objects": Hostile(
        """
        import numpy as np
        class Bomb:
            def __reduce__(self):
                return exec, ("open('{victim}/new', 'w')",)
        pixels = np.array([Bomb()] * 784)
        """,
        NO_POINT,
        "flat",
    ),
    "a list in itself": Hostile(
        """
        pixels = []
        pixels.append(pixels)
        """,
        NO_POINT,
        "flat",
    ),
    "a number without end": Hostile("by_hand = 10 ** 3_000_000", NO_POINT, "count"),
    "not a number": Hostile('by_hand = float("nan")', NO_POINT, "count"),
    "a long name": Hostile(
        """
        Long = type("x" * 10**7 + "<script>alert(1)</script>\\n,=1+1", (), {})
        pixels = Long()
        """,
        NO_POINT,
        "flat",
    ),
    "hostile repr": Hostile(
        """
        import os
        class Odd:
            def __repr__(self):
                open("{victim}/new", "w")
                return "x" * 10**9
            __str__ = __format__ = __repr__
            def __len__(self):
                return -1
            def __bool__(self):
                os._exit(0)
        pixels = Odd()
        """,
        ROW,
        "flat",
    ),
    "hostile length": Hostile(
        """
        class Odd:
            def __len__(self):
                while True:
                    pass
            __array__ = __iter__ = __len__
            def __getattr__(self, name):
                while True:
                    pass
        pixels = Odd()
        len(pixels)
        """,
        STOPPED,
        "flat",
    ),
    "a generator without end": Hostile(
        """
        import itertools
        pixels = (bytearray(10**7) for _ in itertools.count())
        list(pixels)
        """,
        ROW,  # too much memory
        "flat",
    ),
    "names of files": Hostile(
        """
        import os
        for name in ("a\\nb", "<img src=x onerror=alert(1)>", "\\x1b[2J", "\\udcff", "=1+1", "-rf"):
            open(name, "w").close()
        """,
        ROW,
    ),
    "hostile errors": Hostile(
        """
        class Odd(BaseException):
            def __str__(self):
                raise self
            __repr__ = __str__
            @property
            def __traceback__(self):
                raise self
        raise Odd
        """,
        ROW,
    ),
    "errors in HTML": Hostile(
        """raise ValueError("<script>alert(1)</script>\\n</table>,\\"=cmd|' /C calc'!A0" * 1000)""",
        ROW,
    ),
    "an error named as another": Hostile(
        """
        import os
        Fake = type("NotDoneError", (BaseException,), {"__module__": "mnist_lab.grading.examinee"})
        raise Fake("right")
        """,
        ROW,
    ),
    # Ending early, and never.
    "leaves": Hostile("import os\nos._exit(0)", ROW),
    "exits": Hostile("exit()", ROW),
    "raises the exit": Hostile("raise SystemExit(0)", ROW),
    "interrupts": Hostile("raise KeyboardInterrupt", ROW),
    "kills itself": Hostile("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", STOPPED),
    "stops itself": Hostile("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", STOPPED),
    "segfault": Hostile("import ctypes\nctypes.string_at(0)", STOPPED),
    "aborts": Hostile("import os\nos.abort()", STOPPED),
    "deep recursion": Hostile(
        """
        import sys
        sys.setrecursionlimit(10**9)
        def deeper(f):
            return [*map(deeper, [f])]
        deeper(deeper)
        """,
        ROW,  # a crash, or an error of Python's
    ),
    "alarm": Hostile(
        """
        import signal
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        """,
        STOPPED,
    ),
    "ignores signals": Hostile(
        """
        import signal, time
        for number in range(1, 32):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        time.sleep(10**6)
        """,
        STOPPED,
    ),
    "for ever": Hostile("while True:\n    pass", STOPPED),
    "catches all": Hostile(
        """
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
        """,
        STOPPED,
    ),
    "asks": Hostile('answer = input("the password of the instructor: ")', ROW),
    "at exit": Hostile(
        """
        import atexit, threading, time
        atexit.register(time.sleep, 10**6)
        threading.Thread(target=time.sleep, args=(10**6,)).start()
        """,
        ROW,
    ),
    "closes everything": Hostile("import os\nos.closerange(0, 1000)", ROW),
    "shouts": Hostile("for number in range(10**6):\n    print(number, 'x' * 1000)", ROW),
    "shouts past Python": Hostile(
        "import os\nfor _ in range(1000):\n    os.write(1, b'x' * 10**6)", ROW
    ),
    "resets": Hostile("%reset -f", ROW),
    "forgets the lab": Hostile(
        "import mnist_lab as lab\ndel lab\nimport sys\ndel sys.modules['mnist_lab']", ROW
    ),
    "no builtins": Hostile("import builtins\nvars(builtins).clear()", ROW),
    # Much of everything.
    "fork bomb": Hostile("import os\nwhile True:\n    os.fork()", STOPPED),
    "bomb of the shell": Hostile(
        """
        import subprocess
        subprocess.run(["bash", "-c", ":(){ :|:& };:; sleep 1000"])
        """,
        STOPPED,
    ),
    "threads": Hostile(
        """
        import threading, time
        for _ in range(10**5):
            threading.Thread(target=time.sleep, args=(3600,)).start()
        """,
        ROW,
    ),
    "memory": Hostile("kept = []\nwhile True:\n    kept.append(bytearray(10**8))", ROW),
    "memory that is shared": Hostile(
        """
        import mmap
        kept = mmap.mmap(-1, 6 * 2**30)
        for place in range(0, len(kept), 4096):
            kept[place] = 1
        """,
        ROW,
    ),
    "memory in a file": Hostile(
        """
        import os
        kept = os.memfd_create("x")
        while True:
            os.write(kept, bytes(2**24))
        """,
        ROW,
    ),
    "memory of children": Hostile(
        """
        import os, time
        for _ in range(20):
            if not os.fork():
                kept = b"x" * 2**29
                time.sleep(10**6)
        time.sleep(10**6)
        """,
        STOPPED,
    ),
    "fills the disk": Hostile(
        """
        for number in range(10**6):
            with open(f"x{number}", "wb") as file:
                file.write(bytes(2**24))
        """,
        ROW,
    ),
    "many files": Hostile("for number in range(10**6):\n    open(f'x{number}', 'w').close()", ROW),
    "leaves something running": Hostile(
        """
        import os, subprocess, time
        subprocess.Popen(["setsid", "nohup", "sleep", "1000"])
        if not os.fork():
            os.setsid()
            if not os.fork():
                time.sleep(1000)
            os._exit(0)
        """,
        ROW,
    ),
    # Files and programs outside.
    "removes by folder": Hostile(
        """
        import os
        os.remove("file0.txt", dir_fd=os.open("{victim}", os.O_RDONLY))
        """,
        ROW,
    ),
    "removes by TensorFlow": Hostile(
        "import tensorflow as tf\ntf.io.gfile.rmtree('{victim}')", ROW
    ),
    "removes by the C library": Hostile(
        """
        import ctypes
        unlink = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)(("unlink", ctypes.CDLL(None)))
        unlink(b"{victim}/file0.txt")
        """,
        ROW,
    ),
    "removes the lab": Hostile(
        """
        import pathlib, shutil, mnist_lab
        shutil.rmtree(pathlib.Path(mnist_lab.__file__).parent, ignore_errors=True)
        """,
        ROW,
    ),
    "removes all": Hostile("import shutil\nshutil.rmtree('{victim}')", ROW),
    "changes modes": Hostile(
        """
        import os
        os.fchmod(os.open("{victim}/file0.txt", os.O_RDONLY), 0o777)
        """,
        ROW,
    ),
    "renames": Hostile("import os\nos.rename('{victim}/file0.txt', '{victim}/gone.txt')", ROW),
    "drops tables": Hostile(
        """
        import sqlite3
        base = sqlite3.connect("file:{victim}/grades0.db?mode=rw", uri=True)
        base.execute("drop table grades")
        """,
        ROW,
    ),
    "attaches": Hostile(
        """
        import sqlite3
        base = sqlite3.connect(":memory:")
        base.execute("attach '{victim}/grades0.db' as grades")
        base.execute("drop table grades.grades")
        """,
        ROW,
    ),
    "overwrites weights": Hostile(
        "import h5py\nh5py.File('{victim}/weights.h5', 'w').close()", ROW
    ),
    "starts programs": Hostile(
        """
        from multiprocessing import util
        util.spawnv_passfds(b"/bin/sh", [b"sh", b"-c", b"echo x > {victim}/file0.txt"], [])
        """,
        ROW,
    ),
    "signs of the shell": Hostile("!rm -rf {victim}\n%cd {victim}\n%rm file0.txt", ROW),
    "kills the judge": Hostile(
        """
        import os, signal
        for process in (os.getppid(), os.getpgrp(), *range(2, 40_000)):
            if process != os.getpid():
                try:
                    signal.pidfd_send_signal(os.pidfd_open(process), signal.SIGKILL)
                except OSError:
                    pass
        """,
        ROW,
    ),
    "kills all": Hostile("import os, signal\nos.kill(-1, signal.SIGKILL)", ROW),
    "calls out": Hostile(
        """
        import socket
        socket.create_connection(("127.0.0.1", 22), 5)
        """,
        ROW,
    ),
    "asks the system to": Hostile(
        """
        import glob, socket, stat, os
        for places in ("/run/**/*", "/tmp/*", "{victim}/**/*"):
            for place in glob.glob(places, recursive=True):
                try:
                    if stat.S_ISSOCK(os.stat(place).st_mode):
                        socket.socket(socket.AF_UNIX).connect(place)
                except OSError:
                    pass
        """,
        ROW,
    ),
}
