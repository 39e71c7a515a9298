"""Programs that import numpy, graded on an image with it and on one without; those that do not import it notice nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator

import docker
import pytest

from sandbox.grading.grading import Grading, Program
from sandbox.grading.tests import CallTest, StdinTest, Tests, assert_tests
from sandbox.pool.pool import Sandbox
from sandbox.status import Status
from tests.sandbox.conftest import docker_sandbox
from tests.sandbox.engine import FIRST

pytestmark = pytest.mark.heavy

WITHOUT_NUMPY = """
FROM {image}
RUN python3 -c "import numpy, os, shutil; shutil.rmtree(os.path.dirname(numpy.__file__))"
"""
STDIN = (StdinTest(b"1 2 3", b"6"),)
CALL = (CallTest("f", ([1, 2, 3],), 6),)
SUM = b"import numpy as np\ndef f(x): return np.array(x).sum()"
PROGRAMS: dict[str, tuple[bytes, Tests, str]] = {
    "stdin": (b"import numpy as np\nprint(np.array(input().split(), dtype=int).sum())", STDIN, "AC"),
    "a scalar": (SUM, CALL, "AC"),
    "an array is no list": (b"import numpy as np\ndef f(x): return np.cumsum(x)", (CallTest("f", ([1, 2],), [1, 3]),), "WA"),
    "asserts": (SUM, assert_tests("", "assert f([1, 2, 3]) == 6\nassert abs(f([0.5]) - 0.5) < 1e-6", "f"), "AC"),
    "wrong asserts": (SUM, assert_tests("", "assert f([1, 2, 3]) == 7", "f"), "WA"),
    "an array that lies": (
        b"import numpy as np\nclass A(np.ndarray):\n    def __eq__(self, other): return True\ndef f(x): return np.zeros(3).view(A)",
        assert_tests("", "assert f(1) == [1, 2, 3]", "f"), "WA",
    ),
}  # fmt: skip
PLAIN = Program(b"import sys\ndef f(x): return 6 if 'numpy' not in sys.modules else 0", CALL)


@pytest.fixture(scope="module")
def without_numpy(one_slot: Sandbox) -> Iterator[Grading]:
    engine = docker.APIClient(base_url=FIRST, version="auto")
    recipe = WITHOUT_NUMPY.format(image=one_slot._launchers[0].image)  # type: ignore[attr-defined]
    lines = list(
        engine.build(fileobj=io.BytesIO(recipe.encode()), rm=True, forcerm=True, decode=True, network_mode="none")
    )
    image = next(line["aux"]["ID"] for line in lines if "aux" in line)
    with docker_sandbox(slots=1, image=image) as sandbox:
        made = Grading(sandbox)
        yield made
        made.close()
    engine.remove_image(image, force=True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_with_numpy_is_graded_and_the_next_one_is_without(grading: Grading, name: str) -> None:
    source, tests, verdict = PROGRAMS[name]
    assert str(grading.grade(Program(source, tests)).verdict) == verdict
    assert grading.grade(PLAIN).verdict == Status.AC


@pytest.mark.parametrize("name", PROGRAMS)
def test_without_numpy_nothing_is_said_about_the_program(without_numpy: Grading, name: str) -> None:
    source, tests, _ = PROGRAMS[name]
    graded = without_numpy.grade(Program(source, tests))
    assert graded.verdict == Status.INFRA
    assert "the sandbox image has none: build it with numpy" in graded.detail
    assert without_numpy.grade(PLAIN).verdict == Status.AC
