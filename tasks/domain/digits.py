"""JSON and Python source with integers of any length: Python refuses those of more than 4,300 digits by default.

The limit guards against slow conversions of hostile text; what is read here (tests, and rows of a user's file) is trusted.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

SHORT = 4000
_lock = threading.RLock()


def loads(text: str) -> Any:
    """`json.loads` for integers of any length. Raises ValueError or RecursionError as it does."""
    return json.loads(text, parse_int=_integer)


def _integer(digits: str) -> int:
    return int(digits) if len(digits) < SHORT else int(Decimal(digits))


@contextmanager
def any_digits() -> Iterator[None]:
    """Within it, conversions of this process between texts and integers have no limit."""
    with _lock:
        usual = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(0)
        try:
            yield
        finally:
            sys.set_int_max_str_digits(usual)
