"""Answers in words: names, yes and no, choices such as (C), number words, clock times."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from tasks.domain.equivalence.unicode import plain

_COMMANDS = re.compile(
    r"\\(?:text\w*|mathrm|mathbf|mathit|mathsf|mbox|hbox|operatorname|emph|left|right|bf|rm|it|quad|qquad|displaystyle)(?![a-zA-Z])|\\[,;:!> ]|[${}~]"
)
_ARTICLES = re.compile(r"\b(?:[Tt]he|an?|An)\b(?=\s+\w{2})")
_CHOICE = re.compile(r"^[(\[]?([A-Za-z])(?:[)\].:]\s*(\S.*)?)?$", re.DOTALL)
_OPTION_WORD = re.compile(r"^(?:[Oo]ption|[Cc]hoice|[Aa]nswer|[Ll]etter)\s*(?=\(?[A-H]\b)")
_PUNCTUATION = re.compile(r"['\"’]s\b|[.,;:!?\"'()\[\]*]")
_CLOCK_MARK = re.compile(r":|m|noon|：", re.IGNORECASE)
_TIME = re.compile(r"^(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s*((?:[ap]\.?\s*m\b\.?)|noon|midnight)?$", re.IGNORECASE)
_LETTERS_OR_YEAR, _SHORT_WORD = re.compile(r"[^\W\d_]{3}|\d{4}-"), re.compile(r"[^\W\d_]{3}")
_CALENDAR = re.compile(
    r"\b(january|february|march|april|may|june|july|august|september|october|november|december|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b"
)
_BETWEEN_CHOICES, _CHOICES = re.compile(r"\band\b|[\s,;、&()\[\].]+"), re.compile(r"[A-H]+")
_NUMERALS = frozenset(("I", "II", "III", "IV", "V", "VI"))
# Of the letter itself: what stands behind its `.`, `)` or `:` is the text of the option, which may well say `not` or `False`.
_NOT_CHOSEN = re.compile(
    r"\bnot\s+\(?[A-H]\)?\W*$|^\W*[A-H]\)?\s+(?:is|was)\s+(?:wrong|incorrect|false|not(?:\s+(?:correct|right|true|the|it)\b|\W*$))"
    r"|^\W*[A-H]\s+(?:is\s+|was\s+)?(?:wrong|incorrect|not|false)\b|^\W*[A-H]\)?\s+(?:isn|wasn)['’]t\b|^\W*[A-H][.),]*\s+or\b",
    re.IGNORECASE,
)
_OFFERS = re.compile(r"(?<![A-Za-z])or(?![A-Za-z])|或|[A-H]\s*/\s*[A-H]")
MAX_CHOICES = 400  # characters of an answer that names several options
_UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NUMBER_WORDS = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * (at + 2) for at, word in enumerate(_TENS)
}
NUMBER_WORDS |= {f"{ten}-{_UNITS[unit]}": 10 * (at + 2) + unit for at, ten in enumerate(_TENS) for unit in range(1, 10)}
NUMBER_WORDS |= {
    "a dozen": 12,
    "one dozen": 12,
    "hundred": 100,
    "one hundred": 100,
    "thousand": 1000,
    "one thousand": 1000,
    "one million": 10**6,
}
_ORDINALS = {name: at + 1 for at, name in enumerate(
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"]
)}  # fmt: skip
_ORDINALS |= {name + "th": at + 13 for at, name in enumerate(_UNITS[13:])}
_ORDINALS |= {ten.removesuffix("y") + "ieth": 10 * (at + 2) for at, ten in enumerate(_TENS)}
_PARTS = {name: value for name, value in _ORDINALS.items() if value > 2} | {"half": 2, "quarter": 4}
_FRACTION_WORDS = re.compile(rf"({'|'.join(['an?', *_UNITS[1:]])}) (halves|(?:{'|'.join(_PARTS)})s?)")
_SAME = {
    "no solution": "none", "no solutions": "none", "no real solution": "none", "no real solutions": "none", "empty set": "none",
    "there is no solution": "none", "there are no solutions": "none", "does not exist": "none", "dne": "none", "none": "none",
    "all real numbers": "reals", "all reals": "reals", "real numbers": "reals", "any real number": "reals", "reals": "reals",
    "every real number": "reals", "all integers": "integers", "any integer": "integers", "integers": "integers",
    "infinitely many": "infinite", "infinitely many solutions": "infinite", "infinite": "infinite",
    "infinity": "infinite", "infinite solutions": "infinite", "infinitely": "infinite", "undefined": "undefined",
    "indeterminate": "undefined", "true": "true", "false": "false", "correct": "true", "incorrect": "false",
    "yes": "true", "no": "false",
}  # fmt: skip

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SAME |= {f"on {day}": day for day in _DAYS}
_SAME |= {day[:3]: day for day in _DAYS} | {"tues": "tuesday", "thur": "thursday", "thurs": "thursday"}
_SAME |= {f"in {month}": month for month in _CALENDAR.pattern[4:].partition("|monday")[0].split("|")}

_PHRASES = frozenset(_SAME.values())


@lru_cache(maxsize=8192)
def canonical(text: str) -> str:
    """Return the letters and digits of a worded answer, in one spelling."""
    words = _COMMANDS.sub(" ", plain(text)).replace("\\", " ")
    words = _PUNCTUATION.sub(" ", words)
    words = " ".join(_ARTICLES.sub(" ", " ".join(words.split())).split()).casefold()
    return _SAME.get(words, words.removesuffix(" only"))


def known_phrase(text: str) -> bool:
    """Whether a text is a phrase with one meaning as a whole, such as `no solution`."""
    return canonical(text) in _PHRASES


@lru_cache(maxsize=8192)
def choice(text: str) -> str | None:
    """The letter of a multiple-choice answer: `(C)`, `C.`, `C) 5 apples`, `\\text{(C)}`."""
    match = _CHOICE.match(_OPTION_WORD.sub("", " ".join(_COMMANDS.sub(" ", text).split())))
    return match[1].upper() if match else None


@lru_cache(maxsize=8192)
def bare_choice(text: str) -> str | None:
    """Like `choice`, for a text that is nothing but the letter (and brackets)."""
    match = _CHOICE.match(_OPTION_WORD.sub("", " ".join(_COMMANDS.sub(" ", text).split())))
    return match[1].upper() if match and not match[2] else None


def word_number(text: str) -> int | None:
    """Return the value of a number word up to ninety-nine, with its sign."""
    if any(character.isdigit() for character in text):  # 5 hundred
        return None
    words = " ".join(re.sub(r"[^a-z -]", " ", text.casefold()).split())
    bare = words.removeprefix("minus ").removeprefix("negative ")
    value = NUMBER_WORDS.get(bare)
    return -value if value is not None and bare != words else value


def word_fraction(text: str) -> Fraction | None:
    """Return the value of `two thirds`, `one-fifth`, `a half`; None for other texts."""
    match = _FRACTION_WORDS.fullmatch(" ".join(text.casefold().replace("-", " ").split()))
    if match is None:
        return None
    top = 1 if match[1] in ("a", "an") else NUMBER_WORDS[match[1]]
    return Fraction(top, _PARTS[match[2].removesuffix("s")] if match[2] != "halves" else 2)


def ordinal_number(text: str) -> int | None:
    """Return the value of `third`, `the twenty-first`; None for other texts."""
    words = text.casefold().strip(" .").removeprefix("the ").strip()
    tens, _, last = words.rpartition("-")
    if words == "second" or last not in _ORDINALS:
        return 2 if words in ("second", "the second") else None
    return _ORDINALS[last] + (NUMBER_WORDS[tens] if tens in _TENS else 0) if not tens or tens in _TENS else None


def clock(text: str) -> tuple[int, int, int, str] | None:
    """Hours, minutes, seconds and am/pm of a time of day; the half is empty when it is not given."""
    match = _TIME.match(" ".join(_COMMANDS.sub("", plain(text).replace(r"\,", "").replace(r"\ ", " ")).split()))
    if match is None or not (match[2] or match[4]):
        return None
    hour, minute, second = int(match[1]), int(match[2] or 0), int(match[3] or 0)
    half = re.sub(r"[^a-z]", "", (match[4] or "").casefold())
    if half in ("noon", "midnight"):
        half = "pm" if half == "noon" else "am"
    return hour, minute, second, half


def same_words(gold: str, answer: str) -> bool:
    """Equal as words, or the same choice (a choice may be followed by its content)."""
    one, two = canonical(gold), canonical(answer)
    if one and one == two:
        return True
    return same_choice(gold, answer)


def same_choice(gold: str, answer: str) -> bool:
    """The same letter, when the gold is a choice: A to H, or any letter in brackets."""
    letter = choice(gold)
    if letter is not None and _NOT_CHOSEN.search(" ".join(_COMMANDS.sub(" ", answer).split())):
        return False
    if letter is None or not _upper_or_bracketed(gold) or len(choices(answer) or "C") > 1:
        return False
    return letter == (choice(answer) if bare_choice(gold) else bare_choice(answer))


def _upper_or_bracketed(gold: str) -> bool:
    bare = "".join(_COMMANDS.sub(" ", gold).split())
    return bare[:1] in "ABCDEFGH" or bare.startswith("(")


@lru_cache(maxsize=8192)
def choices(text: str) -> tuple[str, ...] | None:
    """The letters of an answer that names several options: `ABD`, `A, B and D`, `(A)(B)(D)`; None when it is no such thing."""
    if text[:1].isdigit() or len(text) > MAX_CHOICES:
        return None
    letters = "".join(
        _BETWEEN_CHOICES.sub(" ", _COMMANDS.sub(" ", text.replace("\\{", " ").replace("\\}", " "))).split()
    )
    if not 1 <= len(letters) <= 8 or not _CHOICES.fullmatch(letters) or len(set(letters)) != len(letters):
        return None
    return tuple(letters)


@lru_cache(maxsize=8192)
def numerals(text: str) -> tuple[str, ...] | None:
    """The statements of `I and III`, `I, III`; None for other texts, and for what offers one or the other."""
    words = _BETWEEN_CHOICES.sub(" ", _COMMANDS.sub(" ", text)).split()
    found = frozenset(words)
    return tuple(words) if 1 < len(words) == len(found) <= len(_NUMERALS) and found <= _NUMERALS else None


def offers(text: str) -> bool:
    """Whether an answer in letters or circled numbers leaves open which: B or C, B/C."""
    return bool(_OFFERS.search(text))


_MONTHS = {
    name: at + 1
    for at, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
}
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES = (
    re.compile(rf"(?P<m>{_MONTH}) (?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<y>\d{{4}}))?"),
    re.compile(rf"(?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{_MONTH})(?:,? (?P<y>\d{{4}}))?"),
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"),
)


def date(text: str) -> tuple[int, int, int | None] | None:
    """Month, day and (where it is given) year of a date in words or in ISO form."""
    bare = " ".join(re.sub(r"[.$]", " ", _COMMANDS.sub(" ", plain(text))).casefold().split())
    bare = re.sub(r"^(?:mon|tues|wednes|thurs|fri|satur|sun)day,? ", "", bare)
    match = next((found for pattern in _DATES if (found := pattern.fullmatch(bare))), None)
    if match is None:
        return None
    month = _MONTHS.get(match["m"][:3]) or int(match["m"])
    return month, int(match["d"]), int(match["y"]) if match["y"] else None


def same_date(gold: str, answer: str) -> bool | None:
    """Equal dates; a year may be left out. None unless both are dates."""
    one = date(gold) if _LETTERS_OR_YEAR.search(gold) else None
    two = date(answer) if one else None
    if one is None or two is None:
        return None
    return one[:2] == two[:2] and (one[2] == two[2] or None in (one[2], two[2]))


def same_clock(gold: str, answer: str, asked: bool = False) -> bool | None:
    """Equal times of day; None unless both are times, and not ratios. A missing am/pm agrees with either."""
    one = clock(gold) if _CLOCK_MARK.search(gold) else None
    two = clock(answer) if one else None
    if one is None or two is None or not (asked or one[3] or two[3]):
        return None
    return one[1:3] == two[1:3] and bool(_hours(one[0], one[3]) & _hours(two[0], two[3]))


def _hours(hour: int, half: str) -> set[int]:
    """The hours of the day, 0 to 23, that it may be."""
    if not half:
        return {hour} if hour > 12 or hour == 0 else {hour % 24, (hour + 12) % 24}
    return {hour % 12 + (12 if half == "pm" else 0)}


def calendar_words(text: str) -> set[str]:
    """Months and days of the week in a text, which are no units and no remarks."""
    if not _SHORT_WORD.search(text):
        return set()
    return set(_CALENDAR.findall(text.casefold())) or set(_CALENDAR.findall(canonical(text)))
