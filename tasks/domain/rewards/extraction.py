"""Find the final answer in a completion.

In this order, the first that is there wins: the last balanced `\\boxed{...}`, the last `####` line, the last phrase
like "the answer is ...", the last number. All scans are linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

MAX_TEXT = 200_000  # characters looked at, from the end
Tag = Literal["box", "hashes", "phrase", "last_number"]


@dataclass(frozen=True)
class Found:
    """An answer and where it stood."""

    answer: str
    tag: Tag


def extract(text: str) -> Found | None:
    """The final answer of a completion; None when it has none."""
    text = text[-MAX_TEXT:]
    cut = text.rfind("</think>")
    text = text[cut + len("</think>") :] if cut >= 0 else text
    return _box(text) or _hashes(text) or _phrase(text) or _last_number(text)


def _box(text: str) -> Found | None:
    for match in reversed(list(re.finditer(r"\\f?boxed\s*\{", text))):
        depth = 1
        for at in range(match.end(), len(text)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                return Found(text[match.end() : at].strip(), "box")
    return None


def _hashes(text: str) -> Found | None:
    _, mark, rest = text.rpartition("####")
    lines = rest.strip().splitlines()
    return Found(lines[0].strip(), "hashes") if mark and lines else None


_PHRASE = re.compile(r"(?:answer|Answer|A)\s*(?:is|:)\s*([^\n]{1,200})")


def _phrase(text: str) -> Found | None:
    found = _PHRASE.findall(text)
    return Found(found[-1].strip().rstrip("."), "phrase") if found else None


_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def _last_number(text: str) -> Found | None:
    found = _NUMBER.findall(text)
    return Found(found[-1].rstrip(","), "last_number") if found else None
