"""Times of day, and days of the year and of the week."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tasks.domain.equivalence.unicode import plain
from tasks.domain.equivalence.words.phrases import COMMANDS, DAYS, MONTHS, canonical

_CLOCK_MARK = re.compile(r":|m|noon|：", re.IGNORECASE)
_TIME = re.compile(r"^(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s*((?:[ap]\.?\s*m\b\.?)|noon|midnight)?$", re.IGNORECASE)
_LETTERS_OR_YEAR, _SHORT_WORD = re.compile(r"[^\W\d_]{3}|\d{4}-"), re.compile(r"[^\W\d_]{3}")
_CALENDAR = re.compile(rf"\b({'|'.join((*MONTHS, *DAYS))})\b")
_PLACES = {name[:3]: at + 1 for at, name in enumerate(MONTHS)}
_MONTH = rf"({'|'.join(_PLACES)})[a-z]*\.?"
_WEEKDAY = re.compile(rf"({'|'.join(day[:3] for day in DAYS)})[a-z]{{0,6}}\.?,? ")
_DATES = (
    re.compile(rf"(?P<m>{_MONTH}) (?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<y>\d{{4}}))?"),
    re.compile(rf"(?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{_MONTH})(?:,? (?P<y>\d{{4}}))?"),
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"),
)


def clock(text: str) -> tuple[int, int, int, str] | None:
    """Hours, minutes, seconds and am/pm of a time of day; the half is empty when it is not given."""
    match = _TIME.match(" ".join(COMMANDS.sub("", plain(text).replace(r"\,", "").replace(r"\ ", " ")).split()))
    if match is None or not (match[2] or match[4]):
        return None
    hour, minute, second = int(match[1]), int(match[2] or 0), int(match[3] or 0)
    half = re.sub(r"[^a-z]", "", (match[4] or "").casefold())
    if half in ("noon", "midnight"):
        half = "pm" if half == "noon" else "am"
    return hour, minute, second, half


@dataclass(frozen=True)
class Date:
    """A day by its month and number, with the year and the day of the week (as `tue`) where they are given."""

    month: int
    day: int
    year: int | None = None
    weekday: str | None = None


def date(text: str) -> Date | None:
    """The date that a text is, in words or in ISO form."""
    bare = " ".join(re.sub(r"[.$]", " ", COMMANDS.sub(" ", plain(text))).casefold().split())
    weekday = _WEEKDAY.match(bare)
    bare = bare[weekday.end() :] if weekday else bare
    match = next((found for pattern in _DATES if (found := pattern.fullmatch(bare))), None)
    if match is None:
        return None
    month, year = _PLACES.get(match["m"][:3]) or int(match["m"]), match["y"]
    return Date(month, int(match["d"]), int(year) if year else None, weekday[1] if weekday else None)


def same_date(gold: str, answer: str) -> bool | None:
    """Equal dates; a year and the day of the week may be left out. None unless both are dates."""
    one = date(gold) if _LETTERS_OR_YEAR.search(gold) else None
    two = date(answer) if one else None
    if one is None or two is None:
        return None
    agree = all(None in pair or pair[0] == pair[1] for pair in ((one.year, two.year), (one.weekday, two.weekday)))
    return agree and (one.month, one.day) == (two.month, two.day)


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
