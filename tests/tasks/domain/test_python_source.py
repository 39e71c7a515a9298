"""Source is parsed in many threads, while garbage is collected."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.domain.python_source import parsed

THREADS, TIMES = 4, 60


@pytest.fixture
def restless() -> Iterator[None]:
    """Garbage is collected all the time, by Python code too, and threads take turns as often as they can."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()

    def seen(phase: str, info: dict[str, int]) -> None:
        sum(range(300))

    gc.set_threshold(50, 5, 5)
    sys.setswitchinterval(1e-6)
    gc.callbacks.append(seen)
    yield
    gc.callbacks.remove(seen)
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("restless")
def test_threads_parse_side_by_side() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    with ThreadPoolExecutor(THREADS) as pool:
        trees = list(pool.map(parsed, [source] * THREADS * TIMES))
    assert {len(tree.body) for tree in trees} == {len(trees[0].body)}


@pytest.mark.parametrize("broken", ["def", "x = (", "a b"])
def test_what_is_no_source_is_an_error(broken: str) -> None:
    with pytest.raises(SyntaxError):
        parsed(broken)


def test_all_of_the_product_parses_in_this_way() -> None:
    root = Path(__file__).parents[3]
    places = [file for top in ("flows", "tasks", "sandbox") for file in (root / top).rglob("*.py")]
    others = {str(one.relative_to(root)) for one in places if "ast.parse(" in one.read_text(encoding="utf-8")}
    assert others == {"tasks/domain/python_source.py"}
