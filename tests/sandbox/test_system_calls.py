"""What honest programs do is never taken for an attack: the whole standard library, numpy, threads, processes of their own."""

from __future__ import annotations

import pytest

from sandbox.job import Job
from sandbox.limits import Limits
from sandbox.pool.pool import Sandbox

pytestmark = pytest.mark.heavy

EVERY_MODULE = b"""
import importlib, sys
here = set(sys.stdlib_module_names) - {'antigravity', 'this', '__main__', 'idlelib', 'turtledemo'}
missing = []
for name in sorted(here):
    try:
        importlib.import_module(name)
    except ImportError:
        missing.append(name)
print(len(missing) < 30)
"""
EVERYDAY = b"""
import asyncio, concurrent.futures, cProfile, ctypes.util, faulthandler, io, secrets, subprocess, tempfile, tracemalloc, uuid
faulthandler.enable(); tracemalloc.start(); ctypes.util.find_library('c'); uuid.uuid1(); secrets.token_hex()
profile = cProfile.Profile(); profile.runcall(sorted, [2, 1])
async def later():
    await asyncio.sleep(0.01)
    return 5
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    squares = list(pool.map(abs, [-1, 2]))
with tempfile.TemporaryFile() as file:
    file.write(b'x'); file.seek(0)
    print(asyncio.run(later()), squares, subprocess.run(['/bin/true']).returncode, file.read())
"""
NUMPY = b"""
import numpy, numpy.fft, numpy.linalg, numpy.ma, numpy.polynomial, numpy.random
print(numpy.linalg.inv(numpy.eye(200)).sum(), numpy.random.default_rng(0).random() < 1)
"""


@pytest.mark.parametrize(
    ("source", "said", "numpy"),
    [(EVERY_MODULE, b"True\n", False), (EVERYDAY, b"5 [1, 2] 0 b'x'\n", False), (NUMPY, b"200.0 True\n", True)],
    ids=["every module", "everyday", "numpy"],
)
def test_an_honest_program_meets_no_filter(one_slot: Sandbox, source: bytes, said: bytes, numpy: bool) -> None:
    (found,) = one_slot.run_many([Job(source, limits=Limits(cpu_seconds=20), numpy=numpy)])
    assert (found.ending, found.stdout) == ("OK", said), found
