"""What is asked of a program's text on the host: what it imports, and never for long."""

from __future__ import annotations

import time

import pytest

from sandbox.grading.compare import same_output
from sandbox.grading.program import wants_numpy
from tasks.domain.rewards.programs import complete, defines, find_program

HUMAN_EVAL = {"prompt": "def f(x):\n    pass\n", "entry_point": "f"}
LONG = 300_000
SECONDS = 5.0  # each takes a tenth of one; what is not linear takes hours
PIECES = ["\n", " ", "\t", "a,", "a ", "A a ", "```\n", "```", "def ", "def f\n", "import ", "import a,", "from\n", "f\n", "f =", "x=", "'", "(", "\\",
          "@\n", "# ", "<think>", "A:", "- ", "\x0b", "\r", "\u2028", "1.", "e5 ", "\0"]  # fmt: skip


@pytest.mark.parametrize(
    "source",
    ["import numpy", "import numpy as np", "  from numpy.linalg import inv", "import sys, numpy", "import sys; import numpy", "import a as b ,numpy as np",
     "x = 1\nimport pandas as pd", "from scipy import stats\r\n", "if 1:\n\timport numpy.random"],
)  # fmt: skip
def test_programs_that_import_numpy_are_known(source: str) -> None:
    assert wants_numpy(source.encode())


@pytest.mark.parametrize(
    "source",
    ["", "import numpyro", "numpy = 1", "from x import numpy_like", "import sys\nprint(numpy)", "# import numpy"],
)
def test_others_are_not(source: str) -> None:
    assert not wants_numpy(source.encode())


@pytest.mark.parametrize("piece", PIECES, ids=repr)
def test_the_host_looks_at_any_text_in_linear_time(piece: str) -> None:
    since = time.process_time()
    for text in (piece * (LONG // len(piece)), "def f(x):\n" + piece * (LONG // len(piece)) + "!"):
        found = find_program(text, "f")
        source = (found.source if found else text).encode("utf-8", "replace")
        wants_numpy(source), defines(text, "f"), complete(text, HUMAN_EVAL)
        same_output(source, source + b"1"), same_output(b"1.5\n" * 9, source)
    assert time.process_time() - since < SECONDS
