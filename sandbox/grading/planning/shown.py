"""Whether the arguments of later calls show a program what an earlier assert wants, if it gets all calls at once."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass

TELLING = 4  # characters of a literal that a program would hardly guess
UNTELLING = frozenset({"True", "False", "None"})


@dataclass(frozen=True)
class Wanted:
    """What one assert compares with. Its own calls are those from `first` on and before `after`."""

    texts: frozenset[str]
    first: int
    after: int


class Shown:
    """Texts of the arguments of each call, and of what each assert compares with."""

    def __init__(self) -> None:
        self._calls: defaultdict[str, list[int]] = defaultdict(
            list
        )  # those that tell a text, the first before all others
        self._wanted: list[Wanted] = []

    def tell(self, texts: set[str], call: int) -> None:
        for text in texts:
            self._calls[text].append(call)

    def want(self, texts: set[str], first: int, after: int) -> None:
        self._wanted.append(Wanted(frozenset(texts), first, after))

    def something_new(self) -> bool:
        """Return whether a later call tells what an assert wants, and no call until then did."""
        return any(
            text in self._calls and self._calls[text][0] >= one.after for one in self._wanted for text in one.texts
        )

    def something(self) -> bool:
        """Return whether a later call tells what an assert wants and its own calls do not; or the asserts are a chain: all but the last
        want what a later call tells."""
        later = [{text for text in one.texts if self._told_after(text, one.after)} for one in self._wanted]
        apart = any(
            not self._told_by(one, text) for one, texts in zip(self._wanted, later, strict=True) for text in texts
        )
        return apart or (len(later) > 1 and all(later[:-1]))

    def _told_after(self, text: str, call: int) -> bool:
        return text in self._calls and self._calls[text][-1] >= call

    def _told_by(self, one: Wanted, text: str) -> bool:
        calls = self._calls[text]
        return calls[bisect_left(calls, one.first)] < one.after


def telling(texts: set[str]) -> set[str]:
    return {text for text in texts if len(text) >= TELLING} - UNTELLING
