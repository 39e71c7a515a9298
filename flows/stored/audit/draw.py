"""Chooses uniformly out of a stream: the items whose names have the smallest hashes. A repeated choice is the same."""

from __future__ import annotations

import hashlib
import heapq
from typing import Generic, TypeVar

T = TypeVar("T")


class Draw(Generic[T]):
    """Holds at most `size` items; items of the same name count as one."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._heap: list[tuple[int, str]] = []  # negative hashes: the largest is on top
        self._items: dict[str, T] = {}

    def offer(self, name: str, item: T) -> None:
        if name in self._items or self._size <= 0:
            return
        rank = -int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big")
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, (rank, name))
        elif rank > self._heap[0][0]:
            _, dropped = heapq.heapreplace(self._heap, (rank, name))
            del self._items[dropped]
        else:
            return
        self._items[name] = item

    def taken(self) -> list[T]:
        """Return the items, ordered by hash."""
        return [self._items[name] for _, name in sorted(self._heap, reverse=True)]
