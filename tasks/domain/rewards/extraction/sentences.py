"""The answer inside a sentence: without the marks around it and the clauses behind it, `72` of `**72**, since 8 times 9 is 72.`"""

from __future__ import annotations

import re
from fractions import Fraction

from tasks.domain.equivalence.exact import plain_number
from tasks.domain.equivalence.surface.items import without_parts
from tasks.domain.equivalence.words.claims import NUMBER_WITH_CLAIMS
from tasks.domain.equivalence.words.phrases import DAYS, MONTHS
from tasks.domain.equivalence.words.vocabulary import words

MAX_ANSWER = 4000  # a longer "answer" is none
MAX_SENTENCE = 1500
FORMULA_LENGTH = 400
MAX_WRAPPERS = 4  # fences, quotation marks and the like around one answer
MATH = re.compile(r"\$\$(.+?)\$\$|\$((?:\\\$|[^$])+?)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
SENTENCE_END = re.compile(
    r"(?:(?<!\bRs)(?<!\bNo)(?<!\bapprox)(?<!\bvs)(?<!\bi\.e)(?<!\be\.g)(?<!\d\.\.)[.!?](?:\s|$|\*)|\n\s*\n|\n(?=[A-Z*#]))"
)
_FENCE = re.compile(r"^(`{3,5}|~{3,5})(?![`~])(?:[\w+-]*[ \t]*\n)?(.*?)\n?\1[ \t]*$", re.DOTALL)
_OPENING_FENCE = re.compile(r"(`{3,5})[\w+-]*[ \t]*\n(.*?)\n?[ \t]*\1", re.DOTALL)
_CODE = re.compile(r"(`{1,2})(?!`)([^`]{1,400})\1")
_QUOTED = re.compile(r"([\"“«『「])([^\"”»』」]{1,200})[\"”»』」]")
_MARKS = "✓✔✅☑✗■∎🎉👍🏆⭐✨◼▢□→⇒➡👉"
_MARKS_AROUND = re.compile(
    rf"^[\s{_MARKS}]+|(?<![\s{_MARKS}])[\s{_MARKS}]+$|\s*\\(?:checkmark|blacksquare|qed|square|Box|tag\{{[^{{}}]*\}})\s*\$?\s*$|\s*√\s*$|\s+Q\.?E\.?D\.?$"
)
_COPULA = re.compile(r".*(?:\b(?:is|are|equals?|was|be)\b|:)\s*(?=\S)", re.DOTALL | re.IGNORECASE)
_OUTSIDE = re.compile(
    r"\\(?:text\w*|mbox|mathrm|mathbf|operatorname)\s*\{[^{}]*\}|\\begin\{\w+\}|\\end\{\w+\}|\\[a-zA-Z]+|<|>"
)
_ROOT_SIGN = re.compile(r"[-−]?(?:\d+(?:/\d+)?)?[√∛]\s?$")
_WORD = re.compile(r"[^\W\d_]{2,}")
_FUNCTION_WORDS = words(
    """
    sin cos tan log ln sqrt pi and or cm km kg mm ft exp min max lim inf percent pct
    """
)
# A clause that explains the value before it. Conditions (if, when, unless) are no explanations: they belong to the answer.
_CLAUSE = re.compile(
    r"(?:\s*[,;(—–]\s*|\s+(?:-+\s+)?)(?:because|since|which|who|so(?! (?:on|forth))|therefore|hence|thus|given that|due to|according to|based on"
    r"|as (?:the|we|it|there|they|he|she|this|that|each|required|desired|expected|stated|shown|above|long|found|calculated|computed|needed|asked)"
    r"|rather than|instead of|(?:and |but )?not(?= (?:\S+|the \w+)$)|(?:using|via)(?!.*\b(?:base|radix|mod\w*|using|via)\b)|meaning|and (?:so|this|that|it|we|the answer|therefore|hence|thus)"
    r"|obtained|in total|altogether|overall|I think|I hope|giving|making|leaving|representing"
    r"|因为|所以|因此|即|weil|denn|da die|parce que|car|porque|ya que|puesto que|pois|потому что|так как|поскольку)(?!\w)",
    re.IGNORECASE,
)
# The answer might be 5, or it could be 6.
_HEDGE = re.compile(
    r"\bor\s+(?:else\s+|maybe\s+|perhaps\s+|possibly\s+)*(?:(?:it|that|this|the answer)\s+(?:could|might|may|can|is)\b|maybe\b|perhaps\b|possibly\b)",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|never|except|but|other than)\s*$", re.IGNORECASE)
_SAME_AGAIN = re.compile(r",?\s+(?:or equivalently|i\.e\.|that is|in other words|equivalently),?\s+", re.IGNORECASE)
_VALUE = re.compile(r"[\d\\$^=§]|^\W*(?:[A-Za-z]|yes|no|true|false)\W*$", re.IGNORECASE)
_LEADING_WORDS = re.compile(
    r"^(?:(?:indeed|just|simply|therefore|thus|hence|then|still|clearly|exactly|precisely|also|only|now|obviously|as follows|option|choice|letter|given by|equal to|found to be)\b[\s:,]*)+",
    re.IGNORECASE,
)
_TRAILING_COPULA = re.compile(r"\s*(?:です|になります|となります|である|입니다|이다)\s*$")
_RUN_PART = r"(?:\$\$.+?\$\$|\$(?:\\\$|[^$])+?\$|\\\(.+?\\\)|[-−+]?\s*(?:\\\$|[$€£])?\d[\d,.]*(?:\s*[-+*/×·÷=^%]+\s*\(?(?:\\\$|[$€£])?\d[\d,.]*\)?)*\s*%?)"
_RUN = re.compile(rf"{_RUN_PART}(?:\s*(?:,\s*and|,\s*or|,|and|or|&|/)\s*{_RUN_PART})*", re.DOTALL)
_BETWEEN = re.compile(
    r"(?:^\W*|\b(?:is|are|lies|lie|be)\s+(?:strictly\s+)?)between\s+[^.;:?!]{1,40}?\s+and\s+$", re.IGNORECASE
)
_MONTH = (
    rf"(?:{'|'.join(month.capitalize() for month in MONTHS)}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)\b\.?)"
)
_MONTH_BEFORE = re.compile(rf"(?:(?:{'|'.join(day.capitalize() for day in DAYS)}),? )?{_MONTH} (?:the )?$")
_DATE_END = re.compile(r"(?:st|nd|rd|th)?(?:\s*[.,;!*)]|\s*$|\s+\d{4}\b)")
_MONTH_BEHIND = re.compile(rf"(?:st|nd|rd|th)?(?: of)? {_MONTH}")
# What makes a remark more than a remark: another value, or a change of this one.
_TURNS = (
    r"[^\n]*\b(?:answer|not|but|wait|no|or|and|wrong|also|another|other|could|can|may|might|should|must|need\w*|only|final|correct\w*|instead"
    r"|actually|half|twice|doubled?|squared|cubed|minus|negative|mod\w*|base|radix|bound|one|two|\w*ty|\w*teen|three|four|five|six|seven|eight|nine|ten)\b"
)
_REMARK = re.compile(
    rf"({_RUN_PART})\s+(?:\((?:from|see|by|via|using|since|because|as|found|rounded|after|step|part|obtained|which)\b(?!{_TURNS})[^()]*\)|[(\[]\s*(?P<sum>\d[\d.]*(?:\s*[-+*/×·÷x]\s*\d[\d.]*)+)\s*[)\]])\.?",
    re.DOTALL | re.IGNORECASE,
)
_REMARK_BEHIND = re.compile(
    rf"\s*;\s*(?=(?:there|this|it|we|that|these|he|she|they|which|each)\b)(?!{_TURNS})"
    rf"|(?:,|\s[—–-])\s+(?:that is|i\.e\.),?\s+(?=(?:\S+\s+)*[A-Za-z]{{3}})(?!{_TURNS})(?!.*\d(?![\d.]*\s+(?!in\b)[A-Za-z]{{3,}}))",  # 6 groups of them
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\s*,?\s*(?:if|unless|when)\s+\$?[a-z]\$?\s*(?:is\b|[=<>\\])")  # 72 if n is even
_AFTER_RUN = re.compile(r"\s*(?:\(?\s*(?:or|and)\b|/|more\b|less\b|fewer\b|times\b|to\b|-)", re.IGNORECASE)


def first_sentence(text: str) -> str:
    """Up to the first end of a sentence; a displayed formula, or a block of code, is a sentence."""
    text = text[:MAX_SENTENCE]
    fence = _OPENING_FENCE.match(text)
    if fence:
        return fence[2]
    if text.startswith(("$$", "\\[")):
        end = text.find("$$" if text[0] == "$" else "\\]", 2)
        return text[: end + 2] if end > 0 else text
    stop = SENTENCE_END.search(text)
    return text[: stop.start()] if stop else text


def _without_bracket(sentence: str) -> str:
    """`42 (6 × 7)` and `42 (from part 2)` without the remark on how it was found; units and conditions stay."""
    match = _REMARK.fullmatch(sentence.strip())
    if match is None or (match["sum"] and not _comes_to(match["sum"], match[1])):
        return sentence  # 2 (3 + 4) is a product
    return match[1]


def _comes_to(calculation: str, value: str) -> bool:
    """Whether a calculation with plain numbers has this value."""
    number, total = plain_number(value.strip("$ ")), Fraction(0)
    for term in re.finditer(r"([-+]?)([^-+]+)", calculation.replace(" ", "")):
        product = Fraction(1)
        for sign, factor in re.findall(r"([*/×·÷x]?)(\d+(?:\.\d+)?)", term[2]):
            if sign in ("/", "÷") and not Fraction(factor):
                return False
            product = product / Fraction(factor) if sign and sign in "/÷" else product * Fraction(factor)
        total += -product if term[1] == "-" else product
    return number is not None and number[0] == total


def answer_of(sentence: str) -> str:
    """The answer in one sentence: all of it when it is not prose, else what it begins with, what follows `is`, a formula, or a number."""
    sentence = _without_bracket(_LEADING_WORDS.sub("", unwrapped(sentence)))
    sentence = without_clauses(without_parts(sentence))
    if is_formula(sentence):
        return trimmed(sentence)
    code = _CODE.match(sentence)
    if code:
        return trimmed(code[2])
    if _HEDGE.search(sentence):
        return ", ".join(_values(sentence))
    tail = _COPULA.match(sentence)
    if tail and is_formula(sentence[tail.end() :]) and _VALUE.search(sentence[tail.end() :]):
        return trimmed(sentence[tail.end() :])
    run = _RUN.match(sentence)
    if run and _CONDITION.match(sentence, run.end()):
        return trimmed(sentence)
    if run and not _AFTER_RUN.match(sentence, run.end()):
        return trimmed(run.group())
    formulas = list(MATH.finditer(sentence))
    if formulas and _DENIED.search(sentence[: formulas[-1].start()]):
        return trimmed(sentence)
    if formulas:
        return trimmed("".join(filter(None, formulas[-1].groups())))
    number = last_number_in(sentence)
    if number:
        return number
    if tail and is_formula(sentence[tail.end() :]):
        return trimmed(sentence[tail.end() :])
    return "" if len(sentence.split()) > 6 else trimmed(sentence)


def _values(sentence: str) -> list[str]:
    """All formulas of a sentence, or all its numbers: of an answer that offers several, none is chosen."""
    formulas = [trimmed("".join(groups)) for groups in MATH.findall(sentence)]
    return formulas or [match.group().rstrip(",").strip() for match in NUMBER_WITH_CLAIMS.finditer(sentence)]


def without_clauses(sentence: str) -> str:
    """Without the explanation behind a value: `, which is the total`, `since ...`, `not 71`."""
    masked = MATH.sub(lambda match: "§" * len(match.group()), sentence)
    clause = _CLAUSE.search(masked)
    while clause and not _VALUE.search(masked[: clause.start()]):
        clause = _CLAUSE.search(masked, clause.end())
    sentence = sentence[: clause.start()] if clause else sentence
    run = _RUN.match(sentence)
    behind = _REMARK_BEHIND.match(sentence, len(run.group().rstrip(" ,"))) if run else None
    sentence = sentence[: behind.start()] if behind else sentence
    return _SAME_AGAIN.sub(" or ", sentence)


def is_formula(text: str) -> bool:
    """Decide whether a text is mathematics with at most a word or two beside it."""
    return bool(text.strip()) and len(text) <= FORMULA_LENGTH and len(words_outside(text)) <= 2


def words_outside(text: str) -> list[str]:
    """The words of a text that stand outside its commands and are no names of functions or units."""
    return [word for word in _WORD.findall(_OUTSIDE.sub(" ", text)) if word.lower() not in _FUNCTION_WORDS]


def last_number_in(text: str) -> str:
    """The last number of a text, with the words beside it that change its value; empty when there is none."""
    for start in (max(0, len(text) - 300), 0):
        found = list(NUMBER_WITH_CLAIMS.finditer(text, start))
        if found and (found[-1].start() > start or start == 0):
            if whole := _whole_of(text, found[-1]):
                return whole
            root = _ROOT_SIGN.search(text, max(0, found[-1].start() - 20), found[-1].start())
            return (root.group() if root else "") + found[-1].group().rstrip(",").strip()
    return ""


def _whole_of(text: str, number: re.Match[str]) -> str:
    """The date that a number is in, or the bounds of `between 1/2 and 3/4`; empty when it stands for itself."""
    before = text[max(0, number.start() - 60) : number.start()]
    if bounds := _BETWEEN.search(before):
        return bounds.group() + number.group()
    if not re.fullmatch(r"[0-3]?\d", number.group()):
        return ""
    behind = _MONTH_BEHIND.match(text, number.end())
    month = _MONTH_BEFORE.search(before) if _DATE_END.match(text, number.end()) else None
    return (
        (month.group() if month else "") + number.group() + (behind.group() if behind else "")
        if month or behind
        else ""
    )


def unwrapped(text: str) -> str:
    """Return the text without a fence, code marks, quotation marks or check marks around all of it."""
    text = text.strip()
    for _ in range(MAX_WRAPPERS):
        before = text
        text = _MARKS_AROUND.sub("", text).strip()
        for pattern in (_FENCE, _CODE, _QUOTED):
            match = pattern.fullmatch(text)
            text = match[2].strip() if match else text
        if text == before:
            break
    return text


def _without_stop(text: str) -> str:
    """Without full stops at the end; the dots of 0.1666... belong to the number, and those of 1, 2, 3, ... to the list."""
    dots = re.search(r"(?:(?<=\d)|(?<=,)|(?<=, ))\.{3}(?=\.?$)", text)
    return text[: dots.end()] if dots else text.rstrip(".")


def trimmed(text: str) -> str:
    """Return the text without the marks around an answer: dollars, emphasis, code and check marks, a full stop."""
    if len(text) > 2 * MAX_ANSWER:
        return text
    text = unwrapped(_TRAILING_COPULA.sub("", unwrapped(text).strip("*").strip()))
    text = re.sub(r"^(?:\\\[|\\\()\s*|\s*(?:\\\]|\\\))$", "", _without_stop(text).strip())
    if (
        text.startswith("$")
        and text.endswith("$")
        and not text.endswith(r"\$")
        and text.count("$") - text.count(r"\$") in (2, 4)
    ):
        text = text.strip("$").strip()
    text = (
        _without_stop(text.rstrip(",;: ")).rstrip(",;: ").strip() if not text.endswith((r"\,", r"\;", r"\:")) else text
    )
    return text.strip("*").strip() if text.startswith("**") or text.endswith("**") else text
