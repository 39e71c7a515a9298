"""From a fresh fork of the zygote to the end of a program. Everything below `run` happens in the child, once."""

from __future__ import annotations

import errno
import gc
import os
import resource
import sys
import types
from typing import Any, NoReturn

from . import channel, limits

# Exit codes that tell the supervisor more than 1 would. A program may exit with them too: it only mislabels its failure.
EXIT_COMPILE, EXIT_MEMORY, EXIT_ATEXIT = 101, 102, 103
CHANNEL_FD = 3
EXTRA_FDS = {"stdin": 0, "calls": 2}  # from CHANNEL_FD on; all other modes have a channel
FRAMES_TO_PROGRAM = 8  # more than from `look_like_an_interpreter` down, where the program is called
MAX_RECURSION = 400_000  # a second of CPU time until the RecursionError; a recursion over 2 * 10**5 items still works


def run(mode: str, uid: int | None, rlimits: list[tuple[int, tuple[int, int]]], source: int, size: int) -> NoReturn:
    """On descriptors 0 to 2 lie the job's stdin, stdout and stderr, on 3 its channel; `source` is a file of `size` bytes."""
    os.setsid()
    for kind, pair in rlimits:
        resource.setrlimit(kind, pair)
    if uid is None:
        limits.die_with_parent()  # in a container the end of PID 1 does this
    else:
        limits.become(uid, open_to_its_uid=True)
    text = os.read(source, size)
    os.closerange(CHANNEL_FD + EXTRA_FDS.get(mode, 1), 1 << 16)
    gc.enable()
    _end(_main(text) if mode == "stdin" else _mode(mode, text))


def open_streams() -> None:
    """Text streams as a plain interpreter in a UTF-8 locale has them, on files of the kinds that a child will have.

    In the zygote, once: a child puts its own files under the same descriptors.
    """
    out, (_, error) = os.memfd_create("zygote"), os.pipe()
    for place, fd in enumerate((out, out, error)):
        os.dup2(fd, place)
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", newline="\n", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", newline="\n", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    vars(sys).update(__stdin__=sys.stdin, __stdout__=sys.stdout, __stderr__=sys.stderr)


def _main(source: bytes) -> int:
    """The source as `__main__`; returns the exit code."""
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__="program.py", __builtins__=sys.modules["builtins"])
    sys.modules["__main__"] = module
    try:
        code = compile(source, "program.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        sys.excepthook(type(error), error.with_traceback(None), None)
        return EXIT_COMPILE
    del source
    return _finish(module, _exit_code(lambda: exec(code, module.__dict__)))


def _mode(name: str, source: bytes) -> int:
    """`NAME.main` of a module that the zygote holds."""
    module = sys.modules[f"{__package__}.{name}"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    if name == "calls":
        return _exit_code(lambda: module.main(source))
    return _exit_code(lambda: module.main(source, channel.Channel(CHANNEL_FD)))


def look_like_an_interpreter() -> None:
    """In the zygote, once: what a program can see of its interpreter.

    The recursion depth is that of a plain one, above our frames. Programs raise limits to 10**9 "to be safe": a runaway
    recursion would then fill the memory first, and a stack of that size would be the memory; so they are clamped. CPU time
    and memory bound what a program may do with long integers.
    """
    sys.argv[:] = ["program.py"]
    sys.set_int_max_str_digits(0)
    limits.be_lenient()
    sys.setrecursionlimit(sys.getrecursionlimit() + _depth() + FRAMES_TO_PROGRAM)
    allow = sys.setrecursionlimit
    sys.setrecursionlimit = lambda limit: allow(min(limit, MAX_RECURSION))


def _depth() -> int:
    """Frames below the caller's."""
    frame, depth = sys._getframe(1), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def _exit_code(function: Any) -> int:
    """Runs it; an uncaught exception is printed as the interpreter would, without our frames."""
    try:
        function()
    except SystemExit as error:
        return _system_exit(error.code)
    except BaseException as error:  # noqa: BLE001 - whatever a program raises
        trace = error.__traceback__
        for _ in range(2):
            trace = trace.tb_next if trace is not None else None
        out_of_memory = isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM
        try:
            sys.excepthook(type(error), error.with_traceback(trace), trace)
        except BaseException:  # noqa: BLE001 - a program may replace the hook
            return 1
        return EXIT_MEMORY if out_of_memory else 1
    return 0


def _system_exit(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _finish(module: types.ModuleType, code: int) -> int:
    """What the interpreter does at its end: threads joined, atexit callbacks, destructors of the program's globals."""
    failed: list[object] = []
    hook = sys.unraisablehook

    def note(unraisable: Any) -> None:
        failed.append(unraisable)
        hook(unraisable)

    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        sys.unraisablehook = note
        sys.modules["atexit"]._run_exitfuncs()
        sys.unraisablehook = hook
        code = code or _flushed((sys.stdout, sys.stderr))  # a program's own stream may need its globals
        module.__dict__.clear()
        gc.collect(1 if gc.get_count()[2] == 0 else 2)  # nothing is in the oldest generation yet: no need to go there
    except BaseException as error:  # noqa: BLE001 - a program's destructor or callback
        failed.append(error)
    return EXIT_ATEXIT if failed and code == 0 else code


def _end(code: int) -> NoReturn:
    """Flush and leave: a full finalisation of the interpreter would only free memory."""
    failed = _flushed((sys.__stdout__, sys.__stderr__))
    os._exit(code or (failed if sys.stdout is sys.__stdout__ else 0))  # one that was put away may be detached


def _flushed(streams: tuple[Any, ...]) -> int:
    """What the interpreter exits with when its standard output cannot be flushed, else 0. A stream may be any object."""
    failed = 0
    for place, stream in enumerate(streams):
        try:
            if stream is not None and not getattr(stream, "closed", False):
                stream.flush()
        except BaseException:  # noqa: BLE001 - a full or detached stream, or a program's own object
            failed = failed or (120 if place == 0 else 0)
    return failed
