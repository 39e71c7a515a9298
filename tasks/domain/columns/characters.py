"""Length of the solution in characters: to sort, to bucket or to look at the longest ones."""

from __future__ import annotations

from tasks.domain.column import column
from tasks.domain.schema import Example


@column("characters", "int32")
def characters(example: Example) -> int:
    return len(example.completion)
