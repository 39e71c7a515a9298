"""Arrays made without pandas equal pyarrow's own."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tasks.domain.fingerprint import digest_of_problems, digest_of_tables
from tasks.domain.schema import Problem, to_table
from tasks.store.arrays import span, strings


@pytest.mark.parametrize("values", [[], ["a"], ["a", "", "é", "\U0001f600", "a"]])
def test_strings(values: list[str]) -> None:
    assert strings(values).equals(pa.array(values, pa.string()))


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 5), (3, 4), (7, 2)])
def test_a_span(start: int, stop: int) -> None:
    assert span(start, stop).equals(pa.array(range(start, stop), pa.int32()))


def test_the_digest_of_problems_is_that_of_their_table() -> None:
    chat = {"system": "s", "turns": [{"role": "user", "content": "é"}]}
    problems = [
        Problem("a", "test", "train", "math", "?", gold="1", meta={"n": 1, "x": [1.5, None]}),
        Problem("b", "test", "train", "code", "\n", tests="{}", level="hard", chat=chat),
        Problem("c", "test", "val", "math", "", gold=None),
    ]
    for some in (problems, problems[:1], problems[::-1], []):
        assert digest_of_problems(some) == digest_of_tables([to_table(some, Problem)])
