"""What a question asks for, as far as it decides between two readings of an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tasks.domain.equivalence.values.evaluation import COUNTING_LETTERS

_ORDER = re.compile(
    r"respectively|in that order|in (?:increasing|decreasing|ascending|descending|alphabetical) order|"
    r"from (?:least|smallest|lowest|greatest|largest|highest) to|in order from|order (?:them|the)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:find|list|give|what|which|enter|express|write|answers?|arrange|order|sort|determine|state|provide|name|compute|"
    r"calculate|how|put|rank|separate|solve|identify|fill)\b",
    re.IGNORECASE,
)
_DATA = re.compile(
    r"\b(?:such that|suppose|whose|for which|that|consists?|forms?|satisf\w+|given|let|if|where|when|with|are in|is in)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.?!])\s+|\n\s*\n")
_FACTOR = re.compile(r"\bfactor(?:ise|ize)?\b(?! of| in)(?! that)|\bfactored form\b|\bfactorization\b", re.IGNORECASE)
_EXPAND = re.compile(r"\bexpand\b|\bmultiply out\b", re.IGNORECASE)
_CLOCK = re.compile(r"o'clock|\b[ap]\.?m\b|what time|at what time|\bclock\b", re.IGNORECASE)
_EXACT = re.compile(
    r"exact (?:value|answer|form)|in terms of|(?:simplest|radical|simplified) (?:radical )?form|common fraction",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"percent|per ?cent|%|\bpct\b|\brate\b|probability|chance|likelihood|proportion|fraction", re.IGNORECASE
)
_IN_PERCENT = re.compile(r"percent|per ?cent|%|\bpct\b", re.IGNORECASE)
_DIFFERENCE = re.compile(r"\b(?:more|less|fewer|differ\w*|greater|extra|additional|remain\w*)\b", re.IGNORECASE)
_WHETHER_POSSIBLE = re.compile(
    r"(?:\bis it|\bwhether it is|\bwould it be)\s+(?:\w+ly\s+)?possible\b|(?:^|[.?!,;:]\s+|\bthen\s+)can\s+(?!.*\bor\b)(?![^.?!]*\bimpossible\b)[^.?!]*\?",
    re.IGNORECASE,
)
_WINNER = re.compile(
    r"(?!.*\blos(?:e|es|er|ers|ing|t)\b)(?:.*)\b(?:wins?|winner|winning|won)\b", re.IGNORECASE | re.DOTALL
)
_COUNTING = re.compile(
    r"\bways\b|\barrange|\bcombination|\bpermutation|\bbinomial|\bcho(?:os|ice)|\bselect|\bsubsets?\b|\bcommittee",
    re.IGNORECASE,
)
_MONOTONE = re.compile(
    r"(?s)(?!.*(?:range of (?:values|the (?:real|parameter|number)|\$?\\?[a-z]\b)|solution set|inequality|取值范围|解集))(?:.*?)(?:monoton|(?:increasing|decreasing) intervals?|intervals?\b[^.?]{0,60}(?:increas|decreas))",
    re.IGNORECASE,
)
_BASE = re.compile(
    r"\bbase[ -]?\$?(\d{1,2}|two|three|four|five|six|seven|eight|nine|ten|sixteen)\b|_\{?(\d{1,2})\}?\$", re.IGNORECASE
)
_BASE_WORDS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "sixteen": 16,
}
_NUMBERED_LETTERS = re.compile(r"(?<![a-zA-Z\\])[a-z]_\{?[1-9]")
_ROUNDED = re.compile(r"\bnearest\b|decimals?\b|decimal places?|\bround\b|\brounded\b|significant", re.IGNORECASE)
# Languages whose numbers have a comma before the decimals: words that such a question has, and no English one (a die is English).
_CONTINENTAL = re.compile(
    r"[а-яё]{3}|\b(?:und|ist|wie|berechne\w*|bestimme\w*|quel(?:le)?s?|combien|calcul(?:er|ez)|cuánt\w*|cuál\w*|calcula|quanto|calcule|jest|hoeveel)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"\b(?:integers?|natural|whole|primes?|divisors?|divisible|sequences?|progression|(?<!in )terms?|counting|digits?)\b|\\mathbb\s*\{?[ZN]",
    re.IGNORECASE,
)
_MATH = re.compile(r"\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_LETTER = re.compile(r"(?<![a-zA-Z\\])([a-zA-Z])(?![a-zA-Z])|\\([a-zA-Z]{2,8})")
_ASKED = re.compile(
    r"(?:find|what is|what's|compute|evaluate|determine|calculate|value of|express|simplify|solve for|then|is|ratio)\s*:?\s*"
    r"(?:the\s+(?:\w+\s+){0,3}of\s+)?(?:\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\])",
    re.IGNORECASE | re.DOTALL,
)
_REAL = re.compile(r"\breal\b|\\mathbb\s*\{?R", re.IGNORECASE)
# n in a_n, a_{n+1} and \sum_{n=1}; the nth term.
_INDEX = re.compile(
    r"(?<!\\log)(?<!\\lim)(?<!\\int)_\{?\s*([a-zA-Z])(?![a-zA-Z])|(?<![a-zA-Z\\])([a-zA-Z])\$?(?:-|\^|\s|\{|\\text)*\{?th\b"
    r"|\$([kmnN])\$ (?!is\b|was\b|has\b|(?:units|seconds|minutes|hours|days|years|meters|metres|inches|feet|miles|degrees|radians|percent|dollars|cents)\b)(?:[a-z]+s|people|vertices|women|men|children)\b"
)
# Letters of coordinates and of time, which an index alone does not make whole.
_VARIABLES = frozenset("xyzt")
# Several names that are asked for one after the other: `Find $x$, $y$ and $z$`, `the triple $(x, y, z)$`.
_NAME = r"[a-zA-Z](?:_\{?\w\}?)?"
_ASKS_FOR = r"\b(?:find|what (?:are|is)|determine|compute|calculate|state|solve\b[^.?]{0,80}\bfor)\s+(?:the (?:\w+ ){0,3}(?:of )?)?"
_NAMES_ASKED = re.compile(
    rf"{_ASKS_FOR}(?:\$?\(\s*({_NAME}(?:\s*,\s*{_NAME})+)\s*\)\$?|\$({_NAME}(?:\s*,\s*{_NAME})+)\$"
    rf"|(\$?{_NAME}\$?(?:\s*,\s*\$?{_NAME}\$?)*,?\s*and\s*\$?{_NAME}\$?)(?![\w(^+*/=]))",
    re.IGNORECASE,
)
# `Compute $f(1)$, $f(2)$ and $f(3)$`, `find the length, the width and the height`: single things that no figure tells apart.
_THING = r"(?:\$[^$]{1,40}\$|the (?!roots|maxim|minim|larg|small|great|least|high|low|two\b|three\b)[a-z]+(?<!s)(?= ?[,.?]| and\b| of\b))"
_THINGS_ASKED = re.compile(
    rf"\b(?:find|what (?:are|is)|determine|compute|calculate|state|give|evaluate)\s+({_THING}(?:,\s*{_THING})*,?\s*and\s+{_THING})(?=[\s.?,;]|$)",
    re.IGNORECASE,
)
# Where values are one set whatever names they go by.
_SEVERAL = re.compile(
    r"\b(?:either|any) order\b|\broots?\b|\bsolutions\b|\bzero(?:e?s)\b|\bintersect|\bpoints\b|\bprimes?\b(?! factor)|\ball (?:the )?(?:possible|real|integer|positive|pairs|triples|solutions|values)\b"
    r"|\b(?:ordered )?(?:pairs|triples)\b",
    re.IGNORECASE,
)
# Letters that are to be put in order or matched, not chosen.
_SEQUENCE = re.compile(
    r"\b(?:rank|arrange|sort|match(?:ing)?\b|chronological\w*|sequence of (?:steps|events)|(?:correct|which|right) sequence|(?:what|which|right|correct) order|in (?:the )?order(?!\s+(?:to|for|that)\b)"
    r"|order (?:them|these)|order the (?:letters|steps|events|points)|in (?:increasing|decreasing|ascending|descending) order|first, second"
    r"|(?:least|smallest|lowest|greatest|largest|highest|slowest|fastest|shortest|longest|first|left) to|respectively)\b",
    re.IGNORECASE,
)
# Letters that stand for quantities: `mass $m$`, `in terms of m and L`.
_SYMBOL = re.compile(r"\$\s*([a-zA-Z])\s*\$|\\\(\s*([a-zA-Z])\s*\\\)")
_IN_TERMS_OF = re.compile(r"\b(?:in terms|as (?:a )?functions?) of((?:[\s,$]*(?:\band\b|\bor\b|\b[a-zA-Z]\b))+)")
# And for units: `10 m`, `in m/s`.
_AS_UNIT = re.compile(r"(?:\d|\bin)\s+([a-zA-Z])(?:\s*/\s*([a-zA-Z]))?(?!['\w])")
MAX_QUESTION, MAX_ASKED = 5000, 100
SEPARATOR, OPTIONS, NAMES, COUNTED, SYMBOLS = "\x1f", "\x1e", "\x1d", "\x1c", "\x1b"
_OPTION = re.compile(
    r"\\text(?:bf|rm)?\s*\{\s*\(?([A-H])[).]?\s*\}[).]?|(?<![\w\\])\(([A-H])\)|(?:^|(?<=[\s,;]))([A-H])[.):](?=\s*\S)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Hints:
    """flags: o ordered, q letters to be put in order or matched, f factored, x expanded, c clock time, e exact form, m intervals of monotony (whose ends may be
    open or closed), r rounded, p a percentage or share, h in percent (per hundred), v whether something is possible, w who wins (and not who loses), b in how many ways, n letters with numbers (x_1), d a difference (how many more), k a decimal comma. `letters` are the symbols of the question;
    None when there is no question to know them from."""

    flags: str = ""
    letters: frozenset[str] | None = None
    bases: frozenset[int] = frozenset()
    parameters: frozenset[str] = frozenset()  # letters that one of the answers says run over all whole numbers
    natural: frozenset[str] = frozenset()  # and over some of them, such as the positive ones
    asked: tuple[str, ...] = ()  # formulas that the question asks for
    options: tuple[str, ...] = ()  # of a multiple choice: each its letter and its text
    names: tuple[str, ...] = ()  # asked for one after the other: x, y, z
    counted: frozenset[str] = frozenset()  # letters that the question says are whole numbers
    symbols: frozenset[str] = frozenset()  # letters of the question's quantities, which are no units

    @property
    def whole(self) -> frozenset[str]:
        """Letters that run over the whole numbers: said so, or usual for it and unknown to the question."""
        return self.said | (COUNTING_LETTERS - (self.letters or frozenset()))

    @property
    def said(self) -> frozenset[str]:
        """Letters that the question or one of the answers says are whole numbers."""
        return self.parameters | self.natural | self.counted

    def code(self) -> str:
        """The hints as one string, for messages and keys; `decoded` reads it."""
        letters = "-" if self.letters is None else " ".join(sorted(self.letters))
        listed = f"{SEPARATOR.join(self.asked)}{OPTIONS}{SEPARATOR.join(self.options)}"
        named = f"{NAMES}{SEPARATOR.join(self.names)}{COUNTED}{' '.join(sorted(self.counted))}{SYMBOLS}{' '.join(sorted(self.symbols))}"
        return f"{self.flags}|{letters}|{' '.join(map(str, sorted(self.bases)))}|{listed}{named}"


@lru_cache(maxsize=4096)
def decoded(code: str) -> Hints:
    flags, letters, bases, asked = code.split("|", 3)
    known = None if letters == "-" else frozenset(letters.split())
    asked, _, symbols = asked.partition(SYMBOLS)
    asked, _, counted = asked.partition(COUNTED)
    asked, _, names = asked.partition(NAMES)
    asked, _, options = asked.partition(OPTIONS)
    targets, listed, named = (tuple(part.split(SEPARATOR)) if part else () for part in (asked, options, names))
    return Hints(
        flags, known, frozenset(map(int, bases.split())), asked=targets, options=listed, names=named,
        counted=frozenset(counted.split()), symbols=frozenset(symbols.split()),
    )  # fmt: skip


@lru_cache(maxsize=4096)
def hints_of(question: str) -> Hints:
    """Hints from the text of a question; an empty one gives none."""
    question = question[:MAX_QUESTION]
    if not question.strip(" ?"):
        return Hints()
    patterns = {"f": _FACTOR, "x": _EXPAND, "c": _CLOCK, "e": _EXACT, "m": _MONOTONE, "r": _ROUNDED}
    patterns |= {
        "p": _PERCENT,
        "d": _DIFFERENCE,
        "k": _CONTINENTAL,
        "q": _SEQUENCE,
        "h": _IN_PERCENT,
        "n": _NUMBERED_LETTERS,
        "v": _WHETHER_POSSIBLE,
        "w": _WINNER,
        "b": _COUNTING,
    }
    flags = "".join(flag for flag, pattern in patterns.items() if pattern.search(question))
    flags += "o" if any(map(_wants_order, _SENTENCE.split(question))) else ""
    bases = {_BASE_WORDS.get(word.lower()) or int(word) for pair in _BASE.findall(question) for word in pair if word}
    return Hints(
        flags, _letters(question), frozenset(bases), asked=_asked(question), options=_options(question),
        names=_names(question), counted=_counted(question), symbols=_symbols(question),
    )  # fmt: skip


@lru_cache(maxsize=4096)
def hint_code(question: str) -> str:
    """Return the code of a question's hints; one question is asked for many samples."""
    return hints_of(question).code()


def _options(question: str) -> tuple[str, ...]:
    """The options of a multiple choice, `(A) 10 (B) 12`: at least two letters, from A on."""
    marks = list(_OPTION.finditer(question))
    starts = [at for at, mark in enumerate(marks) if _letter_of(mark) == "A"]
    marks = marks[starts[-1] :] if starts else []
    if len(marks) < 2 or [_letter_of(mark) for mark in marks] != list("ABCDEFGH"[: len(marks)]):
        return ()
    ends = [mark.start() for mark in marks[1:]] + [len(question)]
    found = [question[mark.end() : end].strip(" \n\t,;.$\\") for mark, end in zip(marks, ends, strict=True)]
    return tuple(
        _letter_of(mark) + text.splitlines()[0][:MAX_ASKED] for mark, text in zip(marks, found, strict=True) if text
    )


def _letter_of(mark: re.Match[str]) -> str:
    return next(filter(None, mark.groups()))


def _wants_order(sentence: str) -> bool:
    """Whether the order is that of the answers: `Find x and y, respectively`, not of data that the question is about."""
    for match in _ORDER.finditer(sentence):
        before = sentence[: match.start()]
        asks = list(_ASKS.finditer(before))
        if asks and not _DATA.search(before, asks[-1].end()):
            return True
        if not asks and _ASKS.match(sentence[match.end() :].strip(" ,")):
            return True
    return False


def _asked(question: str) -> tuple[str, ...]:
    """Formulas that the question asks for: `Find $a + b$.`"""
    found = [next(filter(None, match.groups()), "") for match in _ASKED.finditer(question)]
    return tuple(formula for formula in found if "=" not in formula and len(formula) <= MAX_ASKED)[-3:]


def _names(question: str) -> tuple[str, ...]:
    """Names that the question asks for one after the other, each its own value; none where the values are one set."""
    if _SEVERAL.search(question):
        return ()
    for match in _NAMES_ASKED.finditer(question):
        names = re.findall(_NAME, re.sub(r"\band\b", ",", match[1] or match[2] or match[3]))
        if len(set(names)) == len(names) > 1 and len({name[0] for name in names}) == len(names):
            return tuple(names)
    for match in _THINGS_ASKED.finditer(question):
        things = [part.strip() for part in re.split(r",\s*(?:and\s+)?|\s+and\s+", match[1])]
        if len(set(things)) == len(things) > 1:
            return tuple(things)
    return ()


def _counted(question: str) -> frozenset[str]:
    """Letters that the question says are whole numbers: beside such a word in a sentence, or as an index."""
    sentences = _SENTENCE.split(question)
    whole = [_letters(sentence) for sentence in sentences if _WHOLE.search(sentence) and not _REAL.search(sentence)]
    real = [_letters(sentence) for sentence in sentences if _REAL.search(sentence) and not _WHOLE.search(sentence)]
    indices = frozenset(filter(None, (letter for pair in _INDEX.findall(question) for letter in pair))) - _VARIABLES
    return indices | (frozenset().union(*whole) - frozenset().union(*real))


def _symbols(question: str) -> frozenset[str]:
    """Letters that stand alone in the question's mathematics, or that the answer shall be in terms of."""
    alone = {letter for pair in _SYMBOL.findall(question) for letter in pair}
    wanted = {one for text in _IN_TERMS_OF.findall(question) for one in re.findall(r"\b[a-zA-Z]\b", text)}
    units = {letter for pair in _AS_UNIT.findall(_MATH.sub("$", question)) for letter in pair}
    return frozenset(alone - units | wanted) - {""}


def _letters(question: str) -> frozenset[str]:
    """Single letters inside the question's mathematics (all of it, when nothing is marked)."""
    spans = [next(filter(None, groups)) for groups in _MATH.findall(question)] or [question]
    found = [pair for span in spans for pair in _LETTER.findall(span)]
    return frozenset(letter or "\\" + name for letter, name in found)
