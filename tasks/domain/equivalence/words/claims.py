"""Words that change what a value means: at least, not, squared, even. They must stand on both sides of an equality.

A claim is a name for all wordings of one thing, in several languages. Two classes: *binding* claims must be the same on both
sides; *kinds* (even, prime, positive, left) may be left out behind a number (`3 odd numbers`, `3`), but never contradict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tasks.domain.equivalence.words.phrases import known_phrase

_NUMBER = r"(?<![\w.,)\]}])[-−]?(?:[$€£]|\\\$)?\d[\d,]*(?:\.\d+)?(?:\.{3}(?!\d))?(?:\s*/\s*\d+(?:\.\d+)?)?(?:\s*\\?%)?|\.\d+|\d[\d,]*(?:\.\d+)?"
_BEFORE = (
    r"at least|at most|(?:no |not )?(?:more|less|fewer|greater|larger|smaller) than|not|minus|negative|exceeding|up to|pas|nicht|не|no es|non è|não é|niet|geen|nie|ikke|inte"
    r"|(?:square|cube) (?:root )?of|(?:not (?:an? )?)?(?:multiples? of|divisible by|powers? of)|half of|twice|double|triple|all but|base|modulo|±|(?<=\bis )(?:below|above|under|over|beyond)"
)
_AFTER = r"or (?:more|less|fewer|greater|above|below)|squared|cubed|hundred|thousand|million|billion|trillion|dozen|factorial|pct|per ?cent|(?:[a-z]{2,12} )?(?:more|fewer)(?=[.!*]*\s*$)"
# A number in prose, with the words beside it that change its value.
NUMBER_WITH_CLAIMS = re.compile(rf"(?:(?<!\w)(?:{_BEFORE})\s+)?(?:{_NUMBER})(?:\s*(?:{_AFTER})\b)?", re.IGNORECASE)

_BINDING = {
    "at least": r"at least|greater (?:than )?or equal|(?:no|not) (?:less|fewer|smaller) than|minimum of|or (?:more|greater|above|over|larger|higher)|and (?:above|up|over)|至少|以上|不少于|不小于|mindestens|au moins|al menos|por lo menos|не менее|не меньше",
    "at most": r"at most|(?:less|smaller) (?:than )?or equal|(?:no|not) (?:more|greater|larger) than|maximum of|up to|or (?:less|fewer|below|under|smaller|lower)|and (?:below|under)|至多|以下|最多|不超过|不大于|höchstens|au plus|a lo sumo|como máximo|не более|не больше",
    "more": r"(?:more|greater|larger|bigger|higher|longer|older) than|over(?!lap)|above|exceed(?:s|ing)?|大于|超过|mehr als|größer als|plus de|más de|mayor que|более|больше",
    "less": r"(?:less|fewer|smaller|lower|shorter|younger) than|under|below|小于|少于|weniger als|kleiner als|moins de|menos de|menor que|менее|меньше",
    "not": r"not|(?:any|every)thing but|isn'?t|aren'?t|cannot|can'?t|don'?t|doesn'?t|never|neither|nor|none|no|without|except|excluding|all but|other than|unless|不是|不能|没有|不|nicht|keine?|pas|не|нет|niet|geen|não|non è|nie|ikke|inte",
    "squared": r"squared|square of|quadrat(?:ed)?|平方(?![千厘分]?米|公里)",
    "cubed": r"cubed|cube of|立方(?![千厘分]?米)",
    "root": r"(?:square|cube) roots?|\d+ root|(?:th|rd|nd|st) roots?|roots? of|根号|wurzel|raíz|racine|корень",
    "multiple": r"(?:a|every|any|all)(?: \w+)? multiples?|multiples? of|divisible|倍",
    "divisor": r"divisors? of|factors? of|divides",
    "power": r"powers? of",
    "half": r"half|halved",
    "wrong": r"(?:is|are|was) (?:wrong|incorrect|false|excluded|impossible|ruled out)|too (?:small|large|big)|rule[sd]? out|tempting|nobody|no one|\((?:wrong|incorrect|not correct)\)",
    "bound": r"an? (?:lower|upper) bound",
    "maybe": r"maybe|perhaps|possibly",
    "twice": r"twice|doubled?|tripled?|quadrupled?|thrice|times (?:as|more|less|larger|bigger|greater|higher|longer|faster|smaller|the)",
    "inverse": r"reciprocal|inverse|opposite|complement of",
    "between": r"between",
    "if": r"if|when|whenever|otherwise|else|provided",
    "sign": r"negative|minus|plus or minus",
    "base": r"base|octal|binary|hexadecimal",
    "scale": r"hundreds?|thousands?|millions?|billions?|trillions?|dozens?|hundredths?|thousandths?|millionths?|tenths?|halves|thirds|quarters|fourths|fifths|sixths|sevenths|eighths|ninths|lakhs?|crores?|per mille|[万亿百‰]|千(?![米克瓦])|millionen|millones|миллион\w*",
}
_KINDS = {
    "even": r"even", "odd": r"odd", "prime": r"primes?", "composite": r"composite", "positive": r"positive", "nonnegative": r"non-?negative",
    "integer": r"integers?|whole", "natural": r"natural", "rational": r"rational", "irrational": r"irrational", "real": r"reals?", "complex": r"complex",
    "distinct": r"distinct|different", "increasing": r"increasing|increases?|rising", "decreasing": r"decreasing|decreases?|falling",
    "left": r"left|leftward", "right": r"right|rightward", "up": r"up|upwards?", "down": r"down|downwards?", "maximum": r"maximum|max(?=\s*[=(:])|largest|greatest", "minimum": r"minimum|min(?=\s*[=(:])|smallest|least",
    "parallel": r"parallel", "perpendicular": r"perpendicular", "convergent": r"converg\w+", "divergent": r"diverg\w+", "cyclic": r"cyclic", "before": r"before|earlier|ago", "after": r"after|later|from now",
    "clockwise": r"clockwise", "counterclockwise": r"counter-?clockwise|anti-?clockwise", "vertical": r"vertical(?:ly)?", "horizontal": r"horizontal(?:ly)?",
    "dependent": r"dependent", "independent": r"independent", "profit": r"profits?|gains?", "loss": r"loss(?:es)?", "first": r"first player", "second": r"second player",
    "north": r"north\w*", "south": r"south\w*", "east": r"east\w*", "west": r"west\w*", "constant": r"constant", "male": r"boys?|men|males?", "female": r"girls?|women|females?",
}  # fmt: skip
# Of two things that are named, the one is not the other; either may go unnamed.
_THINGS = {
    "circle": r"circles?|disks?|discs?", "sphere": r"spheres?|balls?", "ellipse": r"ellipses?", "parabola": r"parabolas?|parabolae",
    "hyperbola": r"hyperbolas?|hyperbolae", "line": r"(?:straight )?lines?", "segment": r"(?:line )?segments?", "ray": r"rays?|half-lines?",
    "plane": r"planes?", "triangle": r"triangles?", "rectangle": r"rectangles?", "rhombus": r"rhombus(?:es)?|rhombi",
    "parallelogram": r"parallelograms?", "trapezoid": r"trapezoids?|trapeziums?", "kite": r"kites?", "pentagon": r"pentagons?", "hexagon": r"hexagons?",
    "octagon": r"octagons?", "cube": r"cubes?", "cone": r"cones?", "cylinder": r"cylinders?", "pyramid": r"pyramids?", "prism": r"prisms?",
    "scalene": r"scalene", "isosceles": r"isosceles", "equilateral": r"equilateral", "arithmetic": r"arithmetic", "geometric": r"geometric",
    "row": r"rows?", "column": r"columns?", "radius": r"radius|radii", "diameter": r"diameters?",
    "bijective": r"biject\w+", "injective": r"inject\w+", "surjective": r"surject\w+",
}  # fmt: skip
_DESCRIBING = frozenset(
    (
        "maximum",
        "minimum",
        "distinct",
        "constant",
        "real",
        "integer",
        "natural",
        "positive",
        "before",
        "after",
        "convergent",
        "male",
        "female",
        "first",
        "second",
        "profit",
        "loss",
        "clockwise",
        "counterclockwise",
    )
)
MIN_SENTENCE = 4  # words
_WORD = re.compile(r"[A-Za-z]{2,}")
_POINTS = re.compile(
    r"\{\s*[A-Z]{2}\s*\}|(?<![A-Za-z])[A-Z]{2}(?=\s*[=:/])|(?<=[=:/])\s*[A-Z]{2}(?![A-Za-z])|(?<=\|)\s*[A-Z]{2}(?=\s*\|)"
)  # the segment NO of \frac{NO}{BO} denies nothing
_THERE_ARE = re.compile(r"^\s*there (?:are|is)\s+(?:exactly |only |precisely )?", re.IGNORECASE)  # 5 such primes
_UNIT_LIKE = re.compile(r"\W*(?:[a-zA-Z]\s*=\s*)?[-\d][-\d.,/\s${}\\%^°]*(?:\\?[A-Za-z]{2,}[\W\d]*)*")


def _either(group: str, table: dict[str, str]) -> list[str]:
    return [
        rf"(?P<{group}_{name.replace(' ', '_')}>(?<![A-Za-z])(?:{words})(?![A-Za-z]))" for name, words in table.items()
    ]


_ALL = re.compile("|".join([*_either("B", _BINDING), *_either("K", _KINDS), *_either("T", _THINGS)]), re.IGNORECASE)
_TEXT = re.compile(
    r"\\(?:text\w*|mbox|mathrm|mathbf|mathit|operatorname)\s*\{([^{}]*)\}|\\(?:left|right|max|min|mod|pmod|bmod|not|over|up|down)(?![a-zA-Z])|\\[a-zA-Z]+|_\{[^{}]*\}"
)
# A remark on where a letter comes from: `where k is any integer`, `for all real x`, `k an integer`.
_DOMAIN = re.compile(
    r"(?:,|;|\(|\b(?:where|with|for|and|such that)\b)?\s*(?:\b(?:for|where|with)\b\s*)?(?:\b(?:some|any|all|every|each)\b\s*)?"
    r"(?:(?:\$?\\?[a-zA-Z](?:_\{?\w\}?)?\$?\s*,?\s*(?:and\s*)?){1,3}\b(?:is|are|being|be|an?|any)\b\s*)?(?:\b(?:an?|any|all|some|arbitrary|every|each|non-?zero|given|fixed)\b\s*)*"
    r"(?:(?:positive|non-?negative|arbitrary|real|natural|rational|complex|constant|whole|odd|even)\s*)*\b(?:integers?|constants?|reals?|(?:real|natural|rational|complex|whole) (?:numbers?|constants?)|(?:real|complex) [a-zA-Z]\b)",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_WORDED = re.compile(r"[^\W\d_]{2}|[不万亿千百]")
_BY_CASES = re.compile(
    r"\b(?:if|when|whenever|otherwise|else)\b", re.IGNORECASE
)  # what a cases environment says anyway
_LED = re.compile(r"\b(?:where|with|for|is|are|an?|any|arbitrary)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Claims:
    """These are the claims that the words of an answer make."""

    binding: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    things: frozenset[str] = frozenset()


def contradict(gold: str, answer: str) -> bool:
    """Whether the words of one claim what those of the other do not."""
    one, two = claims(gold), claims(answer)
    if one.binding != two.binding or (one.things and two.things and one.things != two.things):
        return True
    if one.kinds == two.kinds:
        return False
    if one.kinds - two.kinds <= _DESCRIBING and not two.kinds and len(_WORD.findall(words_of(gold))) >= MIN_SENTENCE:
        return False  # `The maximum is 9` is answered by 9
    worded, other = (gold, two) if not two.kinds else (answer, one)
    return bool(other.kinds) or not _UNIT_LIKE.fullmatch(_THERE_ARE.sub("", words_of(worded)))


def claims(text: str) -> Claims:
    """Return the claims in the words of a text."""
    return _claims(text) if _WORDED.search(text) and not known_phrase(text) else Claims()


def claims_in_order(text: str) -> list[str]:
    """Return the claims as they follow each other: of a maximum at 2 and a minimum at 5, which is which."""
    return [match.lastgroup or "" for match in _ALL.finditer(words_of(text))]


def words_of(text: str) -> str:
    """Return the text without its commands; the words in them stay."""
    return " ".join(_POINTS.sub(" ", _TEXT.sub(lambda match: f" {match[1] or ''} ", text)).split())


@lru_cache(maxsize=8192)
def _claims(text: str) -> Claims:
    words = _DOMAIN.sub(_without_domain, words_of(text))
    words = _BY_CASES.sub(" ", words) if "{cases}" in text else words
    found = _names(_DIGITS.sub("0", words))
    binding, kinds, things = (
        frozenset(name[2:] for name in found if name.startswith(group)) for group in ("B_", "K_", "T_")
    )
    return Claims(binding, kinds, things)


@lru_cache(maxsize=8192)
def _names(words: str) -> frozenset[str]:
    """The names of all that these words claim; of `921 units` and `7 units` the same, for no claim looks at the digits."""
    return frozenset(match.lastgroup or "" for match in _ALL.finditer(words))


def _without_domain(match: re.Match[str]) -> str:
    """A remark on a letter says nothing of the answer, but even and odd do."""
    kept = re.findall(r"\b(?:even|odd)\b", match.group(), re.IGNORECASE)
    return " ".join(kept) + " " if _LED.search(match.group()) else match.group()
