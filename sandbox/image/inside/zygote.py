"""The warm interpreter that is forked for every job. It never reads a job: it passes file descriptors on.

Requests come over a SOCK_SEQPACKET pair from the supervisor, one at a time, as JSON with descriptors attached:
run a child, end a uid's processes, remove its files (the answer each time: how that process ended), or become two: a
second zygote that holds more, on the socket that comes with the request. Each page that a zygote holds costs every fork
of it, so programs that only read and write are forked from one that has none of the other modes.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable
from typing import Any

from . import child, cleaner, limits

REQUEST_BYTES = 4096
MAX_FDS = 6
CONTROL_FD = 10  # or higher
WARM_ROUNDS = 3
# What a second zygote holds beside this one: the modes of programs, or those of tests (`trusted`).
MODES_OF_PROGRAMS, MODES_OF_TESTS = ("call", "calls", "turns", "echo"), ("tester",)
# What short programs import most. Not here, though common: `threading` and `random` run code of theirs after every fork,
# which together costs a child as much as all the rest of its life; modules with many pages cost every fork.
WARM_NAMES = (
    "atexit bisect collections collections.abc copy functools heapq io itertools math operator re string time typing"
)
WARM_NAMES_OF_TESTS = "random"  # takes longer to load than most tests take

# Compiled and run before the first fork: the interpreter makes much on first use (the types of the syntax tree alone take
# two hundred pages), which every child would otherwise make for itself.
WARM_PROGRAM = b"""
import sys
class Thing:
    def __init__(self, value): self.value = value
    def __lt__(self, other): return self.value < other.value
def work(n, *more, key=None, **rest):
    try:
        total = sum(x * x for x in range(n)) + len([y for y in more if y]) + {1: 2}.get(n, 0)
        text = f"{n:>5} {total!r} {3.5:.2f} %s" % sorted({Thing(2), Thing(1)})[0].value
        with open(0, closefd=False) as file: lines = file.read().split()
        return text, list(map(int, lines)), n / (n - 3)
    except (ValueError, ZeroDivisionError) as error:
        return str(error), None, lambda a: a
    finally:
        total = -1
for i in range(5):
    a, b, c = work(i, 1, 0, key=i)
    print(a, b, end="\\n")
    while i > 3: i -= 1
sys.stdout.write("done\\n"); print(input() if False else "", file=sys.stderr)
"""


# The same for calls: what each of them does for the first time in a child would cost it a page.
WARM_CALLED = b"""
from typing import List
def work(items: List[int], more=None) -> List[int]:
    if more is None: return [str(item) for item in items], {1: 2.5}, {3}, None, "text"
    return items[more]
"""
WARM_CALLS: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("work", [[1, 2, 3]], {}), ("work", [(0.5, "text", None, True)], {"more": 1}), ("work", [{"a": {2}}], {"more": "b"}),
]  # fmt: skip


def serve(control: socket.socket, trusted: bool) -> None:
    """Until the supervisor closes its end. `trusted`: what is run are tests."""
    control = _out_of_the_way(control)
    _warm_up(trusted)
    _loop(control)


def _out_of_the_way(control: socket.socket) -> socket.socket:
    """The same socket on a descriptor that no job file needs."""
    return socket.socket(fileno=fcntl.fcntl(control.detach(), fcntl.F_DUPFD, CONTROL_FD))


def _warm_up(trusted: bool) -> None:
    names = f"{WARM_NAMES} {WARM_NAMES_OF_TESTS}" if trusted else WARM_NAMES
    for name in names.split():
        importlib.import_module(name)
    if trusted:
        _load(MODES_OF_TESTS)
    home = os.path.dirname(__file__)
    sys.path[:] = [place for place in sys.path if not home.startswith(place)]
    if os.geteuid() == 0:
        os.setgroups([])
    limits.confine_all()
    limits.die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    child.open_streams()
    child.look_like_an_interpreter()
    for _ in range(WARM_ROUNDS):
        exec(compile(WARM_PROGRAM, "warm", "exec", dont_inherit=True), {"__name__": "warm"})
    sys.stdout.flush()
    _settle()


def _load(modes: Iterable[str]) -> None:
    for name in modes:
        importlib.import_module(f"{__package__}.{name}")


def _warm_calls() -> None:
    from . import calls, decoding, encoding, program

    depth = sys.getrecursionlimit()
    for _ in range(WARM_ROUNDS * WARM_ROUNDS):
        provided, *requests = decoding.decode(encoding.encode([False, *WARM_CALLS]))
        names = program.loaded(WARM_CALLED, provided).__dict__
        for target, arguments, keywords in requests:
            calls.answer(names, provided, target, arguments, keywords)
        sys.setrecursionlimit(depth)
    del sys.modules["solution"]


def _settle() -> None:
    gc.collect()
    gc.freeze()  # a collection in a child does not touch, and so copy, the pages of these objects
    gc.disable()


def _loop(control: socket.socket) -> None:
    base_bytes = limits.own_address_space()
    null = _reserve_job_fds()
    while True:
        message, fds, _, _ = socket.recv_fds(control, REQUEST_BYTES, MAX_FDS)
        if not message:
            os._exit(0)
        request = json.loads(message)
        if request["do"] == "split":
            _split(control, fds[0], request["packages"])
        elif request["do"] == "end":
            control.send(_ended(_forked(lambda request=request: cleaner.end_processes(request["uid"]))))
        elif request["do"] == "empty":
            control.send(_ended(_forked(lambda request=request: cleaner.empty(request["uid"], request["tmp"]))))
        else:
            control.send(_run(request, fds, base_bytes, null))


def _reserve_job_fds() -> int:
    """Descriptors 0 to 4 are those of a job, in the zygote too, where they lead nowhere between jobs."""
    null = os.open("/dev/null", os.O_RDWR)
    for place in range(child.CHANNEL_FD + 2):
        os.dup2(null, place)
    return null


def _run(request: dict[str, Any], fds: list[int], base_bytes: int, null: int) -> bytes:
    """Everything that can be done before the fork is: what a child touches first it has to copy."""
    rlimits = limits.of_job(request["limits"], base_bytes, own_uid=request["uid"] is not None)
    source, size, mode, uid = fds[0], os.fstat(fds[0]).st_size, request["mode"], request["uid"]
    for place, fd in enumerate(fds[1:]):
        os.dup2(fd, place)
    pid = os.fork()
    if pid == 0:
        child.run(mode, uid, rlimits, source, size)
    answer = _ended(pid)  # before anything else: until the child is gone every page that we touch is copied
    for fd in fds:
        os.close(fd)
    for place in range(len(fds) - 1):
        os.dup2(null, place)
    return answer


def _ended(pid: int) -> bytes:
    """Waits; the answer to the supervisor."""
    _, status, usage = os.wait4(pid, 0)
    return json.dumps(
        {
            "status": status,
            "cpu": usage.ru_utime + usage.ru_stime,
            "rss_kb": usage.ru_maxrss,
            "ended": time.monotonic(),
        }
    ).encode()


def _forked(function: Any) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        function()
    finally:
        os._exit(1)


def _split(control: socket.socket, fd: int, packages: list[str]) -> None:
    """A second zygote on `fd`, with all modes and with `packages`. This one stays as light as it is."""
    pid = os.fork()
    if pid:
        os.close(fd)
        return
    control.close()
    limits.die_with_parent()
    other = _out_of_the_way(socket.socket(fileno=fd))
    try:
        _load(MODES_OF_PROGRAMS)
        _warm_calls()
        for name in packages:
            importlib.import_module(name)
    except ImportError:
        os._exit(1)
    _settle()
    other.send(json.dumps({"pid": os.getpid()}).encode())
    _loop(other)
