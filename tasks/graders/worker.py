"""Program of one grading process: `python -m tasks.graders.worker PARENT FUNCTION MEMORY_MB PROGRESS_FD [ARGUMENT ...]`.

It reads frames from standard input (4-byte big-endian length, then a JSON list of payloads), calls FUNCTION
(`package.module:function`, or with arguments what it returns when called with them) on each and answers with one frame
`{"answers": [[value, seconds], ...], "tired": bool}`; tired asks to be replaced. The number of the payload
it works on stands in shared memory at PROGRESS_FD, so the parent knows which one hangs or kills, and beside it whether a
library is being loaded, which is no payload's time. JSON, not pickle:
nothing that comes out of this process can run code in the parent.
"""

from __future__ import annotations

import ctypes
import gc
import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO

PR_SET_PDEATHSIG = 1  # linux/prctl.h
FRAME = struct.Struct(">I")
PROGRESS = struct.Struct("<Q")
LOADING = PROGRESS.size  # where the byte stands that says so
READY = b"{}"
OUT_OF_MEMORY = 86  # exit status; anything else that ends a worker is a crash
TIRED_BYTES = 400 * 2**20  # resident memory that a batch may leave on top of a fresh worker, which holds 20 MB for math


def main() -> None:
    parent, function_path, memory_mb, progress_fd, *arguments = sys.argv[1:]
    _die_with(int(parent))
    _limit_memory(int(memory_mb))
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a stray print must not break the framing
    progress = mmap.mmap(int(progress_fd), mmap.PAGESIZE)
    from tasks.domain.loading import watchers
    from tasks.domain.rewards import imported

    watchers.append(lambda loading: _tell_loading(loading, progress))
    function = imported(function_path)(*arguments) if arguments else imported(function_path)
    tired_bytes = _resident_bytes() + TIRED_BYTES
    write_frame(replies, READY)
    while (message := read_frame(sys.stdin.buffer)) is not None:
        try:
            answers = _answers(function, json.loads(message), progress)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        write_frame(replies, json.dumps({"answers": answers, "tired": _resident_bytes() > tired_bytes}).encode())


def _tell_loading(loading: bool, progress: mmap.mmap) -> None:
    """What was loaded stays, so later collections leave it out (60 ms each, for all that SymPy holds)."""
    if not loading:
        gc.collect()
        gc.freeze()
    progress[LOADING] = loading


def _answers(function: Callable[[Any], Any], payloads: list[Any], progress: mmap.mmap) -> list[Any]:
    answers = []
    for number, payload in enumerate(payloads):
        PROGRESS.pack_into(progress, 0, number)
        started = time.perf_counter()
        value = function(payload)
        answers.append([value, time.perf_counter() - started])
    return answers


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends, even inside one long C operation."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the parent, which closes our input
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _limit_memory(megabytes: int) -> None:
    if megabytes:
        size = megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:  # not Linux
        return 0


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return one frame's body; None at the end of the stream."""
    header = _read_exactly(stream, FRAME.size)
    return None if header is None else _read_exactly(stream, FRAME.unpack(header)[0])


def write_frame(stream: BinaryIO, body: bytes) -> None:
    data = memoryview(FRAME.pack(len(body)) + body)
    while data:
        data = data[stream.write(data) :]


def _read_exactly(stream: BinaryIO, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = stream.read(count - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


if __name__ == "__main__":
    main()
