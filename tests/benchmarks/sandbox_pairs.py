"""Programs a second of the sandbox here and of another checkout (RESTEM_BENCH_OTHER, with a .venv of its own), in nine interleaved pairs.

Both sandboxes stay open in processes of their own, and one works while the other waits, so what else the machine does changes both. The
interval of the median ratio is that of the second to the eighth of nine pairs: it holds the true median in 96 of 100 cases (sign test).
Needs a Docker engine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OTHER = Path(os.environ.get("RESTEM_BENCH_OTHER", "../old"))
PAIRS, PROGRAMS = 9, int(os.environ.get("RESTEM_BENCH_PROGRAMS", "600"))
SIDE = """
import sys, time
sys.path.insert(0, "")
from sandbox.job import Job
try:
    from sandbox.pool.pool import open_sandbox
except ModuleNotFoundError:  # where it stood before
    from sandbox.pool import open_sandbox
from sandbox.settings import SandboxSettings
with open_sandbox(SandboxSettings()) as sandbox:
    sandbox.run_many([Job(b"print(int(input()) * 2)", stdin=b"1")] * 100)
    for line in sys.stdin:
        jobs = [Job(b"print(int(input()) * 2)", stdin=b"%d" % number) for number in range(int(line))]
        began = time.perf_counter()
        found = sandbox.run_many(jobs)
        seconds = time.perf_counter() - began
        assert [one.stdout for one in found] == [b"%d\\n" % (2 * number) for number in range(int(line))]
        print(int(line) / seconds, flush=True)
"""


def main() -> dict[str, Any]:
    with side(Path.cwd(), Path(sys.executable)) as here, side(OTHER, OTHER / ".venv" / "bin" / "python") as there:
        rates = [
            (rate(here), rate(there)) if number % 2 else (rate(there), rate(here))[::-1] for number in range(PAIRS)
        ]
    ratios = sorted(one / other for one, other in rates)
    return {
        "here": commit(Path.cwd()), "other": commit(OTHER), "programs": PROGRAMS, "median_ratio": round(statistics.median(ratios), 3),
        "interval": [round(ratios[1], 3), round(ratios[-2], 3)], "rates": [[round(one), round(other)] for one, other in rates],
    }  # fmt: skip


@contextmanager
def side(folder: Path, python: Path) -> Iterator[subprocess.Popen[str]]:
    """A process with a sandbox of the checkout in `folder`."""
    with subprocess.Popen(
        [python.absolute(), "-c", SIDE], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def rate(process: subprocess.Popen[str], asked: object = PROGRAMS) -> float:
    """What a side answers for one turn, programs or tokens a second, when it is `asked` for it by a line."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{asked}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def commit(folder: Path) -> str:
    return subprocess.run(
        ["git", "-C", folder, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    print(json.dumps(main()))
