"""Who wins a game: `Player A has a winning strategy` is `Player A wins`, or `A`."""

from __future__ import annotations

import re

from tasks.domain.equivalence.words.phrases import canonical

MAX_WINNER = 100  # characters
_WINS = re.compile(
    r"(?P<who>(?:(?!\b(?:if|when|iff|unless|for)\b)[\w ]){1,40}?) (?:(?:always |can always |can |will always |will |should )?wins?(?: game)?|(?:can|is able to) (?:guarantee|force) (?:a |the )?(?:win|victory)"
    r"|has (?:a |the )?winning strategy|is the winner|is guaranteed (?:to win|a win))"
)
_ORDER = {"first": "1", "second": "2", "one": "1", "two": "2", "1st": "1", "2nd": "2"}


def same_winner(gold: str, answer: str) -> bool | None:
    """Whether both name the same winner; None unless the gold names one, and the answer is a name or names one."""
    if "win" not in gold or max(len(gold), len(answer)) > MAX_WINNER:
        return None
    one = _WINS.fullmatch(canonical(gold))
    if one is None:
        return None
    words = canonical(answer)
    two = _WINS.fullmatch(words)
    if two is None and len(words.split()) > 3:
        return None
    ours, theirs = _name(one["who"]), _name(two["who"] if two else words)
    return ours == theirs if two or ours == theirs else None


def _name(words: str) -> str:
    bare = " ".join(
        _ORDER.get(word, word) for word in words.split() if word not in ("player", "the", "person", "one who")
    )
    return bare.strip()
