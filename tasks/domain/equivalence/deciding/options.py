"""Letters of a multiple choice against the values of its options."""

from __future__ import annotations

import re

from tasks.domain.equivalence.deciding.parsed import parsed_equal
from tasks.domain.equivalence.hints import decoded
from tasks.domain.equivalence.words import choices

_CHOICE_MARK = re.compile(
    r"(?:\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{\s*\(?(?P<mark>[A-H])[).]?\s*\}|\((?P<bare>[A-H])\)|(?P<dotted>[A-H])[).](?=\s))(?:\\ |~|\s|\\q?quad)*(?P<value>[^\s=,)_^].*)$",
    re.DOTALL,
)


def _letter(match: re.Match[str]) -> str:
    return match["mark"] or match["bare"] or match["dotted"]


def other_option(gold: str, answer: str) -> bool:
    """(D) 12 for (C) 12: both name their letter."""
    one, two = _CHOICE_MARK.match(gold), _CHOICE_MARK.match(answer)
    return bool(one and two and (_letter(one)) != (_letter(two)))


def of_options(gold: str, answer: str, hints: str) -> tuple[str, str]:
    """Letters of a multiple choice against the values of its options."""
    options = decoded(hints).options
    one, two = _CHOICE_MARK.match(gold), _CHOICE_MARK.match(answer)
    if one and two and not options:  # of one letter, or else `other_option` has told them apart
        return one["value"], two["value"]
    if not (several := choices.choices(gold)) or len(several) < 2:
        answer = _without_choice(gold, answer, options)
        gold = _content(gold, answer)
    return _chosen_value(gold, answer, options), _chosen_option(gold, answer, options)


def _without_choice(gold: str, answer: str, options: tuple[str, ...]) -> str:
    """(B) 12 as 12, when the gold is no choice; as the option that (B) is, when that is listed and another value."""
    match = _CHOICE_MARK.match(answer)
    if match is None or choices.choice(gold) is not None:
        return answer
    listed = next((option[1:] for option in options if option[0] == _letter(match)), None)
    if listed is not None and not parsed_equal(gold, listed, "|-||", True)[0]:
        return listed
    return match["value"]


def _content(gold: str, answer: str) -> str:
    """The 12 of a gold `(C) 12`, for an answer that names no letter."""
    match = _CHOICE_MARK.match(gold) if choices.choice(answer) is None else None
    return match["value"] if match and choices.bare_choice(gold) is None else gold


def _chosen_option(gold: str, answer: str, options: tuple[str, ...]) -> str:
    """The option that a letter names, when the gold is its value and the question lists the options."""
    letter = choices.bare_choice(answer) if options else None
    if letter is None or choices.choice(gold) is not None:
        return answer
    return next((option[1:] for option in options if option[0] == letter), answer)


def _chosen_value(gold: str, answer: str, options: tuple[str, ...]) -> str:
    """The text of the option that the gold names, for an answer that is no letter."""
    letter = choices.bare_choice(gold) if options and choices.choice(answer) is None else None
    return next((option[1:] for option in options if option[0] == letter), gold)
