"""An answer, how it was found, and where the text states it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from tasks.domain.rewards.extraction.sentences import is_formula

MAX_STATEMENTS = 12  # of each kind, from the end
Tag = Literal["box", "tag", "hashes", "phrase", "bare", "math", "last_number", "words"]
NO_ANSWER = re.compile(
    r"(?:\\(?:q?quad|[,;:! ]|ldots|cdots|dots|square|Box|hspace\{[^{}]*\}|phantom\{[^{}]*\})|[\s$.…?_~\[\]<>*-]"
    r"|(?:\\text\w*\s*)?\{?\s*(?:your |the |my |final |insert |number |numerical )*(?:answer|ANSWER|solution|result|value)(?: here)?\s*\}?)*"
)
_NOT_CLEAR = re.compile(
    r"\b(?:approximately|about|roughly|around|nearly|almost|not|correct|wrong|incorrect|right|above|below)\b|≈|\\approx",
    re.IGNORECASE,
)
_CLEAR = re.compile(r"[\d\\]|^\(?[A-Ha-z]\)?$|^(?:yes|no|true|false|none)$", re.IGNORECASE)


class Found(NamedTuple):
    """This record is an answer and where it stood."""

    answer: str
    tag: Tag


class Statement(NamedTuple):
    """An answer that the text states, and the span in which it does."""

    start: int
    end: int
    answer: str
    tag: Tag
    aside: bool = False  # it talks of an answer without giving it

    @property
    def clear(self) -> bool:
        """Whether it may overrule a box that stands before it."""
        return (
            not self.aside
            and is_formula(self.answer)
            and bool(_CLEAR.search(self.answer))
            and not _NOT_CLEAR.search(self.answer)
        )
