"""Who wins a game: `Player A has a winning strategy` is `Player A wins`, or `A`."""

from __future__ import annotations

import re

from tasks.domain.equivalence.words.phrases import canonical

MAX_WINNER = 100  # characters
_WINS = re.compile(
    r"(?P<who>(?:(?!\b(?:if|when|iff|unless|for)\b)[\w ]){1,40}?) (?:(?:always |can always |can |will always |will |should )?wins?(?: game)?|(?:can|is able to) (?:guarantee|force) (?:a |the )?(?:win|victory)"
    r"|has (?:a |the )?winning strategy|is the winner|is guaranteed (?:to win|a win))"
)
_LOSES = re.compile(
    r"[\w ]{1,40}? (?:(?:always |can always |will always |will )?loses?(?: game)?|has no winning strategy)"
)
_ORDER = {"first": "1", "second": "2", "one": "1", "two": "2", "1st": "1", "2nd": "2"}


def same_winner(gold: str, answer: str, asked: bool = False) -> bool | None:
    """Whether both name the same winner; None unless the gold names one, and the answer is a name or names one.

    `asked`: the question may ask who wins, and a gold that is a name is that of the winner.
    """
    if max(len(gold), len(answer)) > MAX_WINNER or not ("win" in gold + answer or "lose" in answer):
        return None
    if "win" not in gold:
        return _is_winner(canonical(gold), canonical(answer), asked)
    one = _WINS.fullmatch(canonical(gold))
    if one is None:
        return None
    words = canonical(answer)
    two = _WINS.fullmatch(words)
    if two is None and len(words.split()) > 3:
        return None
    ours, theirs = _name(one["who"]), _name(two["who"] if two else words)
    return ours == theirs if two or ours == theirs else None


def _is_winner(name: str, said: str, asked: bool) -> bool | None:
    """Whether what is said of the name that the gold is says that it wins; None when it is something else."""
    winner, loser = _WINS.fullmatch(said), _LOSES.fullmatch(said)
    if len(name.split()) > 3 or not (winner or loser) or "lose" in name:
        return None
    if winner is None:
        return False if asked else None
    return asked and _name(name) == _name(winner["who"]) != ""


def _name(words: str) -> str:
    bare = " ".join(
        _ORDER.get(word, word) for word in words.split() if word not in ("player", "the", "person", "one who")
    )
    return bare.strip()
