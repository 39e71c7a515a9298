"""Makes small Arrow arrays without `pa.array` and `pa.scalar`, which import pandas: almost a second of every command that reads."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from pyarrow.lib import StringBuilder


def strings(values: Iterable[str]) -> pa.Array:
    """Return an array of strings."""
    builder = StringBuilder()
    builder.append_values(list(values))
    return builder.finish()


def span(start: int, stop: int) -> pa.Array:
    """Return the numbers of `range(start, stop)` as 32-bit integers."""
    numbers = np.arange(start, max(start, stop), dtype=np.int32)
    return pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(numbers)])
