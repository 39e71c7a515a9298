"""Numbers in words as figures: twenty-five, the third, 1 in 5, 2 to 3."""

from __future__ import annotations

import re

from tasks.domain.equivalence.words.number_words import NUMBER_WORDS, ordinal_number, word_fraction, word_number

WORDED = re.compile(r"[A-Za-z]{2}")
MAX_NUMBER_WORDS = 60  # characters of a number in words
_TEXT_COMMAND = re.compile(r"\\(?:text\w*|mathrm|mathbf|mbox)\s*(?=\{)")
_COUNTED_WORD = re.compile(r"\s*(?:\\text\w*\s*\{)?\s*([A-Za-z]+(?:-[a-z]+)?)\s+(?=[a-z]{3,15}[\s}.$]*$)")
_SHARE = re.compile(
    r"\s*(?:\\text\w*\s*\{)?\s*(\d{1,9})[\s}$]*(?:\\text\w*\s*\{)?\s*(?:in|out of)[\s}$]*(\d{1,9})[\s}$]*"
)
_TO = re.compile(r"\s*(?:\\text\w*\s*\{)?\s*\d[\d.]*(?:[\s}$]*(?:\\text\w*\s*\{)?\s*to[\s}$]*\d[\d.]*){1,4}[\s}$]*")
_RATIO_LIKE = re.compile(r"^[\s$\d.]+(?:[:/][\s$\d.]+)+$|^\\[dt]?frac\{?\d+\}?\{?\d+\}?$")


def numbers_of_words(gold: str, answer: str) -> tuple[str, str]:
    """Numbers, shares and ratios in words as mathematics."""
    gold, answer = (_shares(_number_words(side)) for side in (gold, answer))
    answer = _ordinals(gold, answer)
    return _as_ratio(gold, answer), _as_ratio(answer, gold)


def _number_words(text: str) -> str:
    """twenty-five as 25."""
    if not WORDED.search(text) or len(text) > MAX_NUMBER_WORDS:
        return text
    bare = _TEXT_COMMAND.sub("", text).strip("{}$. ")
    size = word_number(bare.removeprefix("-"))
    signed = -size if size is not None and bare.startswith("-") else size
    value = word_fraction(bare) if signed is None else signed
    if value is None and (counted := _COUNTED_WORD.match(text)) and counted[1].casefold() in NUMBER_WORDS:
        return f"{NUMBER_WORDS[counted[1].casefold()]} \\text{{ {text[counted.end() :].strip('{}$. ')} }}"
    return text if value is None else str(value)


def _ordinals(gold: str, answer: str) -> str:
    """`the third` as 3, for a gold that is a whole number."""
    if not gold.strip(" $").isdigit() or not WORDED.search(answer) or len(answer) > MAX_NUMBER_WORDS:
        return answer
    value = ordinal_number(_TEXT_COMMAND.sub("", answer).strip("{}$. "))
    return answer if value is None else str(value)


def _shares(text: str) -> str:
    """`1 in 5` and `1 out of 5` as fractions."""
    match = _SHARE.fullmatch(text) if len(text) <= MAX_NUMBER_WORDS and (" in " in text or " of " in text) else None
    return rf"\frac{{{match[1]}}}{{{match[2]}}}" if match else text


def _as_ratio(text: str, other: str) -> str:
    """`2 to 3` as 2:3, beside a ratio or a fraction."""
    if "to" not in text or not _RATIO_LIKE.search(other) or not (match := _TO.fullmatch(text)):
        return text
    return ":".join(re.findall(r"\d+(?:\.\d+)?", match.group()))
