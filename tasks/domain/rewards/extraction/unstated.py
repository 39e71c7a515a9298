"""What the end of a text shows, when the text states no answer."""

from __future__ import annotations

import re

from tasks.domain.equivalence.unicode import plain
from tasks.domain.equivalence.words.dates import date
from tasks.domain.rewards.extraction.denied import ends_in_denial
from tasks.domain.rewards.extraction.sentences import (
    FORMULA_LENGTH,
    MATH,
    SENTENCE_END,
    is_formula,
    last_number_in,
    trimmed,
    unwrapped,
    words_outside,
)
from tasks.domain.rewards.extraction.stated import EMPTY_BOX
from tasks.domain.rewards.extraction.statement import Found

MAX_VERDICT = 80  # characters of a sentence that says yes or no
_NUMBER = r"[-−]?\d+(?:\.\d+|/\d+)?"
_AFFIRMED = re.compile(r"(yes|no|true|false)\b[\s,.;:—–-]*\b(?:because|since|as|for|due to)\b", re.IGNORECASE)
_VERDICT = re.compile(
    r"\W*(yes|no|true|false)\**\s*[,.]\s(?!.*\b(?:yes|no|true|false|but|however|or)\b)|(?:the )?(?:statement|claim|assertion|answer|proposition) is \W*(true|false)\W*$",
    re.IGNORECASE,
)
# Several values that one sentence announces: `The roots are $4$ and $-1$`.
_PLURAL = re.compile(
    r"\b(?:roots|solutions|zeros|zeroes|values|answers|numbers|soluciones|raíces|lösungen|nullstellen|racines|корни|решения|soluzioni|soluções|raízes)\b[^.?!\d]{0,60}$",
    re.IGNORECASE,
)
_AND = re.compile(r"\s*(?:,\s*)?(?:and|or|y|o|et|ou|und|oder|e|и|или|和|或)?\s*", re.IGNORECASE)
_ASSIGNED = re.compile(r"\s*([A-Za-z](?:_\{?\w\}?)?)\s*=(?!.*=)", re.DOTALL)
_NUMBERS = re.compile(
    rf"(?:{_NUMBER})(?:(?:\s*,\s*|\s+)(?:(?:and|or|y|o|et|ou|und|oder|e|и|или)\s+)?(?:{_NUMBER}))+[.\s]*$"
)
_ABOUT = re.compile(r"\b(?:about|approximately|approx|roughly|around)\b|≈|\\approx", re.IGNORECASE)
_LETTER_IS = re.compile(
    r"(?:(?:so|thus|hence|therefore|then),?\s+)?\$?[a-zA-Z]\$?\s+(?:is|equals)\s+(?=[-−\d$\\])", re.IGNORECASE
)
_LEAD_IN = re.compile(
    r"(?:>\s+(?=\*\*|[a-z]{2})|(?:=>|⇒|→|\\Rightarrow)\s*|\(answer\)\s*|(?:final|total|result)\s*:\s*|(?:therefore|thus|hence|so|then|finally|consequently)\b,?\s+"
    r"|(?:we (?:get|have|find|obtain|see)|it'?s|it is|this (?:is|gives)|which (?:is|gives)|i get)\s+(?=[-−\d$\\*(])|(?:итого|всего)\s*:?\s+)+",
    re.IGNORECASE,
)
_CONDITIONAL = re.compile(
    r"\d[\d.,/]*\s*,?\s*(?:if|unless|when)\s+\$?[a-z]\$?\s*(?:is\b|[=<>\\])[^.\n]*$"
)  # 42 when n is odd
_BOLD_END = re.compile(r"(?<!\*)\*\*([^*\n]{1,200})\*\*[\s.!]*$")
_POINT_END = re.compile(
    r"\b(?:is|are|at|point|coordinates)\s+(?:[A-Z]\s*=?\s*)?(\([-−\d][^()\n]{0,60},[^()\n]{1,60}\))[\s.]*$"
)
_EMPHASIS = re.compile(r"(?<![\w)*])\*\*(?=[^\s*])([^*\n]{1,200}?)(?<=[^\s*])\*\*(?![\w(*])")
MAX_NAME, MAX_DATE = 3, 40  # letters of AB, ABC; characters of a date
# The number of solutions is $3$: $1, 2, 6$.
_LISTED = re.compile(r"\s*(?::|—|–|,?\s*(?:namely|that is|i\.e\.))\s*")
_COUNTS = re.compile(r"\b(?:number of|there (?:is|are)|total of|exactly)\b[^.]*$", re.IGNORECASE)
_NONE = re.compile(
    r"(?:\b(?:there (?:is|are|exists?)|has|have)\s+no\s+(?:such\s+)?(?P<which>(?:real|integer|integral|positive|rational|complex)\s+)?(?:solutions?|roots?)|\bno\s+such\s+\w+\s+exists?)"
    r"(?:\s+(?:in|over|to|for)\s+[\w $\\{}]{1,40})?[\s.*]*$",
    re.IGNORECASE,
)
_NOT_SO = re.compile(
    r"\b(?:not|false|untrue|wrong|incorrect|if|when|for|since|while|but|other|second|first|third|last|latter|former|cases?|factor|quadratic|which|this|that)\b|n['’]t\b",
    re.IGNORECASE,
)
_GIVES = re.compile(
    r"(?:\b(?:so|thus|hence|therefore|gives?|then|get|is)|=>)\s*\$?[a-zA-Z]\$?\s*=\s*\$?[-\d\\]", re.IGNORECASE
)  # a value was found before
# A class of numbers in words, whose numbers are no answers: `all real numbers except 0`, `n is not a power of 2`, `x is greater than 5`.
_CLASS = re.compile(
    r"(?!.*\b(?:sums?|adds?|has|have|gives?|equals?|totals?|make|makes|satisf\w+|work|works)\b)(?:all|every|any)\s+(?:(?:non-?zero|non-?negative|positive|negative|odd|even|real|natural|possible)\s+){0,2}(?:reals?|integers?|numbers?|primes?|multiples|powers|values|[a-z])\b[^.,;?!\n]{0,60}\.?"
    r"|\$?[a-zA-Z]\$?\s+(?:is|are|must be)\s+(?:(?:not|at|an?|any|odd|even|prime|divisible|(?:strictly\s+)?(?:greater|less|larger|smaller|more))\b)[^.,;?!\n]{0,60}\.?",
    re.IGNORECASE,
)
_BOLD = re.compile(r"\*\*([^*]{1,200})\*\*\.?")


def unstated_answer(text: str) -> Found | None:
    text = unwrapped(EMPTY_BOX.sub("", text))
    found = _affirmed(text) or _bare(text) or _none(text)
    if found is None and ends_in_denial(text):
        return None
    return found or _emphasised(text) or _math(text) or _last_number(text)


def _none(text: str) -> Found | None:
    """`Therefore, the equation has no real solutions.`, said last."""
    stripped = text.strip()
    match = _NONE.search(stripped, max(0, len(stripped) - FORMULA_LENGTH))
    before = stripped[: match.start()] if match else ""
    if match is None or _GIVES.search(before) or _NOT_SO.search(re.split(r"[.!?\n]", before)[-1][-80:]):
        return None
    return Found(f"no {match['which'] or ''}solution", "words")


def _emphasised(text: str) -> Found | None:
    """The bold value, or the point, that ends the last sentence: `so the vertex is at **(2, 5)**.`"""
    end = text.rstrip()[-FORMULA_LENGTH:]
    match = _BOLD_END.search(end) or _POINT_END.search(end)
    value = match[1] if match else ""
    if not match or not re.search(r"[\d\\]", value) or words_outside(value) or value.rstrip().endswith(":"):
        return None
    return Found(trimmed(value), "math")


def _affirmed(text: str) -> Found | None:
    """`Yes, because 7 has no divisors.`: what stands behind the word is its reason."""
    match = _AFFIRMED.match(text.strip()) if len(text) <= FORMULA_LENGTH else None
    match = match or (_VERDICT.match(text.strip()) if len(text) <= MAX_VERDICT else None)
    return Found(match[1] or match[2], "bare") if match else None


def _bare(text: str) -> Found | None:
    stripped = _without_lead(text.strip())
    if _CLASS.fullmatch(stripped) or (len(stripped) <= MAX_DATE and date(stripped)):
        return Found(trimmed(stripped), "bare")
    if stripped.endswith("?"):  # 7? asks
        return None
    if (named := _LETTER_IS.match(stripped)) and is_formula(stripped[named.end() :]):
        return Found(trimmed(stripped[named.end() :]), "bare")
    if len(stripped) > FORMULA_LENGTH * 4 or "\n\n" in stripped:
        return None
    stripped = _EMPHASIS.sub(r"\1", stripped) if "**" in stripped else stripped
    words = words_outside(stripped)
    mathematics = re.search(r"[\d\\=<>^_+]|^\$?[a-zA-Z]\$?$", plain(stripped))
    if not mathematics or len(words) > 5 or ("$" in stripped and words and MATH.search(stripped)):
        return None
    prose = len(words) > 2 and not re.search(r"[:=]", stripped)
    return None if prose else Found(trimmed(stripped), "bare")


def _without_lead(text: str) -> str:
    """`We get **37**.`, `Therefore, x = 37.` and `> **37**`, without what leads to the value."""
    lead = _LEAD_IN.match(text) if len(text) <= FORMULA_LENGTH else None
    value = text[lead.end() :] if lead else text
    bold = _BOLD.fullmatch(value)
    value = bold[1] if bold else value
    return text if any(not word.isupper() or len(word) > MAX_NAME for word in words_outside(value)) else value


def _math(text: str) -> Found | None:
    """The last formula, when the last sentence has one and does not end in a number of its own."""
    stripped = text.strip()
    cut = max(
        (match.end() for match in SENTENCE_END.finditer(stripped, max(0, len(stripped) - 1500), len(stripped) - 1)),
        default=0,
    )
    sentence = stripped[max(cut, len(stripped) - 1500) :]
    formulas = list(MATH.finditer(sentence))
    if not formulas:
        return None
    tail = sentence[formulas[-1].end() :]
    after = last_number_in(tail)
    if after and not _ABOUT.search(tail):
        return Found(after, "last_number")
    if len(formulas) > 1 and _LISTED.fullmatch(sentence[formulas[-2].end() : formulas[-1].start()]):
        counted = _COUNTS.search(sentence[: formulas[-2].start()]) and "," in formulas[-1].group()
        return Found(_formula(formulas[-2 if counted else -1]), "math")
    return Found(_together(sentence, formulas) or _formula(formulas[-1]), "math")


def _formula(match: re.Match[str]) -> str:
    return trimmed(next(filter(None, match.groups())))


def _together(sentence: str, formulas: list[re.Match[str]]) -> str | None:
    """The last formulas, when the sentence announces several values or all of them are of one letter."""
    first = len(formulas) - 1
    while first and _AND.fullmatch(sentence[formulas[first - 1].end() : formulas[first].start()]):
        first -= 1
    found = [_formula(match) for match in formulas[first:]]
    if len(found) < 2:
        return None
    named = {match[1] if (match := _ASSIGNED.match(one)) else one for one in found}
    announced = _PLURAL.search(sentence[max(0, formulas[first].start() - 120) : formulas[first].start()])
    return ", ".join(found) if announced or len(named) == 1 else None


def _last_number(text: str) -> Found | None:
    end = text.rstrip()[-200:]
    if (several := _NUMBERS.search(end)) and _PLURAL.search(end[: several.start()]):
        return Found(", ".join(re.findall(_NUMBER, several.group())), "last_number")
    if conditional := _CONDITIONAL.search(text.rstrip(" .")[-FORMULA_LENGTH:]):
        return Found(conditional.group(), "last_number")
    number = last_number_in(text)
    return Found(number, "last_number") if number else None
