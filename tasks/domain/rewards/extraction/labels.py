"""Where a completion says that its answer follows: `The answer is`, `Answer:`, `故选`, `Ответ:`, and their like.

Each language is a line: the words for "answer" (or what stands for it) and the words or signs that lead to the value.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LOOK_BACK = 20_000  # characters from the end in which labels are looked for
_END = r"[\"'`*_)\]]{0,4}"  # what may close the label before its colon: **Answer**:, "answer":
_SIGN = r"\s{0,3}(?:[:=]|→|->|=>)"

_ENGLISH = re.compile(
    rf"answers?(?:\s+(?:to|for)\s+(?:the|this|our|your)\s+(?:question|problem|exercise|task)|\s+(?:choice|option|here|then))?{_END}"
    rf"(?:\s+(?:is|are|equals|will be|would be|must be|should be|could be|might be|may be|turns out to be|comes out to(?: be)?|works out to(?: be)?)\b|['’]s(?=\s)|{_SIGN})"
    rf"|\bans\b{_END}\s{{0,3}}[.:=]"
    rf"|\b(?:correct|right|best)\s+(?:option|choice|alternative|letter|statement)s?{_END}(?:\s+(?:is|are)\b|{_SIGN})"
    r"|\b(?:choose|pick|select)\s+(?=(?:option|choice|answer)\s|\([A-H]\)|[A-H]\.?\s*$)"
    r"|^[ \t]*A:|^[ \t]*\*\*A:?\*\*:?|^[ \t#*_]*(?:final[ \t]+)?answer[ \t*_]*$",
    re.IGNORECASE | re.MULTILINE,
)
# What every match of `_ENGLISH` begins with; the second kind may also stand behind marks at the start of a line.
_ENGLISH_WORDS = ("correct", "right", "best", "choose", "pick", "select", "ans", "a:", "**a")
_AT_LINE_START = ("answer", "a:", "**a")
_ENGLISH_MATH = re.compile(r"\banswer\s*(?=\$|\\\(|\\\[)", re.IGNORECASE)
_OTHER = re.compile(
    "|".join(
        (
            rf"(?:答案|最终结果|最後結果|最终答案)(?:应该|應該|就|应)?(?:{_END})(?:是|为|為|选|選|等于|等於|{_SIGN}){{1,2}}\s*:?",
            r"(?:故|应|應|所以|因此|答案)?(?:选择|選擇|选|選)\s*:?\s*(?=\(?[A-H]{1,5}\b)",
            r"(?:^|(?<=[\s.,]))答\s*:",
            r"【(?:答案|解答|正解|答え|정답)】\s*:?",
            r"(?:^|(?<=[.!?]\s))[ \t*]*(?:(?:итак|значит|поэтому|следовательно|таким образом),?\s+)?ответ\s+(?=[-−\d$\\(])",  # `the answer 7 does not fit` stands within a sentence
            rf"(?:答え|解答|正解)(?:{_END})(?:は|{_SIGN})\s*[,:]?",
            rf"(?:정답|최종 답|답)(?:{_END})(?:은|는|{_SIGN})\s*:?",
            rf"\bответ(?:ом)?\b(?:{_END})(?:\s+(?:равен|будет|является|такой)\b|\s*[—–-]\s|\s+это\b|{_SIGN})",
            rf"\b(?:antwort|lösung|ergebnis|endergebnis)(?:{_END})(?:\s+(?:ist|lautet|beträgt|wäre)\b|{_SIGN})",
            rf"\br[ée]ponse(?:\s+(?:finale|correcte))?(?:{_END})(?:\s+(?:est|vaut)\b|{_SIGN})",
            rf"\brespuesta(?:\s+(?:final|correcta))?(?:{_END})(?:\s+(?:es|sería)\b|{_SIGN})",
            rf"\bresposta(?:\s+(?:final|correta))?(?:{_END})(?:\s+(?:é|e|seria)(?!\w)|{_SIGN})",
            rf"\brisposta(?:\s+(?:finale|corretta))?(?:{_END})(?:\s+(?:è|e)(?!\w)|{_SIGN})",
            rf"\bantwoord(?:{_END})(?:\s+is\b|{_SIGN})",
            rf"(?:\bodpowied[źz]|\bcevap|\bđáp (?:án|số)|उत्तर|الجواب|الإجابة|\bsvar)(?:{_END})(?:\s+(?:to|är|er|là|है|هو|هي)(?!\w)|{_SIGN})",
        )
    ),
    re.IGNORECASE | re.MULTILINE,
)
_PRAISING = frozenset({"correct", "right", "best"})
# What every match of `_OTHER` holds: most texts hold none of it.
_OTHER_WORDS = (
    "antwo", "ergebnis", "spuesta", "sposta", "reponse", "odpowied", "cevap", "svar",
)  # fmt: skip
_OTHER_SIGNS = (
    "结果", "結果", "选", "選", "答", "正解", "답", "ответ", "lösung", "réponse", "đáp", "उत्तर", "الجواب", "الإجابة",
)  # fmt: skip
# `Option (B) is correct`: here the value stands before its label.
_CHOSEN = re.compile(
    r"(?:\b(?:option|choice|statement|alternative)\s+)?(?<![\w$\\{])\(?(?P<letter>[A-H])\)?\*{0,2}\s+is\s+(?:the\s+)?(?:only\s+)?(?:correct|right|best)\b",
)
# What turns a label into talk about other answers: `a common wrong answer is 6`, `if the answer is 6`.
_ASIDE = re.compile(
    r"\b(?:wrong|incorrect|mistak\w*|mistake|if|suppose|unless|someone|students?|people|previous|earlier|initial|initially|tempting|naive"
    r"|check(?:ing)? (?:if|whether|that)|whether|whatever|say|claims?|told|grader|reference|format|goes|put|write|place|box)\b|(?:\bnot|n['’]t)\b[^,;]*$",
    re.IGNORECASE,
)
# A comma ends what is denied: `Since x can't be negative, the answer is`.
_DENIES = re.compile(
    r"(?:(?:\b(?:not|never)|n['’]t)\s+(?:think|believe|say|agree|true|the case)|\b(?:false|wrong|untrue)\s+that)\b[^,;]*$",
    re.IGNORECASE,
)
_BUT = re.compile(r"[,;.]\s*(?:but|however|yet|now)\b", re.IGNORECASE)
_LAST_STOP = re.compile(r"[.!?;\n](?=\s|$)|\n")


class Label(NamedTuple):
    """A place where an answer is announced."""

    start: int
    end: int  # where the answer begins
    letter: str | None = None  # the answer itself, when it stood before the label


def labels(text: str) -> list[Label]:
    """Return all labels in the last part of the text, in the order of their ends."""
    start = max(0, len(text) - LOOK_BACK)
    lowered = text.lower()
    if len(lowered) != len(text):  # İ and its like: places in one are not those in the other
        lowered = "".join(letter.lower()[:1] for letter in text)
    places = _places(lowered, start)
    matches = _english(text, lowered, places, start) if places else []
    if "ans" in places:
        matches += _matches(_ENGLISH_MATH, text, places["ans"])
    if _may_hold_other(text, lowered):
        matches += _OTHER.finditer(text, start)
    found = [Label(match.start(), match.end()) for match in matches]
    if _praised(lowered, places):
        found += [Label(match.start(), match.end(), match["letter"]) for match in _CHOSEN.finditer(text, start)]
    return sorted(found, key=lambda label: (label.end, label.start)) if len(found) > 1 else found


def _may_hold_other(text: str, lowered: str) -> bool:
    """Whether a word is there that every match of `_OTHER` holds one of; a plain loop, because every text is asked."""
    for word in _OTHER_WORDS:
        if word in lowered:
            return True
    return not text.isascii() and any(map(lowered.__contains__, _OTHER_SIGNS))


def _praised(lowered: str, places: dict[str, list[int]]) -> bool:
    """Whether a word of praise stands there behind a space: not the right of \\right), which has none before it."""
    praised = [at for word in _PRAISING if word in places for at in places[word]]
    return any(lowered[at - 1].isspace() for at in praised)


def _english(text: str, lowered: str, places: dict[str, list[int]], start: int) -> list[re.Match[str]]:
    """What `_ENGLISH.finditer` gives, looked for only where one of its words stands: ten times faster."""
    every = [at for found in places.values() for at in found]
    every += [max(start, lowered.rfind("\n", 0, at) + 1) for at in every if lowered.startswith(_AT_LINE_START, at)]
    return _matches(_ENGLISH, text, every)


def _matches(pattern: re.Pattern[str], text: str, places: list[int]) -> list[re.Match[str]]:
    """The matches that begin at these places and do not overlap."""
    found: list[re.Match[str]] = []
    end, match_at = 0, pattern.match
    for at in sorted(places):
        if at >= end and (match := match_at(text, at)):
            found.append(match)
            end = match.end()
    return found


def _places(text: str, start: int) -> dict[str, list[int]]:
    """Where the words of `_ENGLISH_WORDS` stand, without those that do not."""
    places: dict[str, list[int]] = {}
    find = text.find
    for word in _ENGLISH_WORDS:
        at = find(word, start)
        if at >= 0:
            found = places[word] = [at]
            while (at := find(word, at + 1)) >= 0:
                found.append(at)
    return places


def denies(text: str, label: Label) -> bool:
    """Whether the sentence before a label says that the answer is not this: `I don't think that the answer is`."""
    before = _BUT.split(text[max(0, label.start - 80) : label.start])[-1]
    stops = list(_LAST_STOP.finditer(before))
    return bool(_DENIES.search(before[stops[-1].end() :] if stops else before))


def is_aside(text: str, label: Label) -> bool:
    """Whether the sentence before a label makes it talk about an answer rather than give it."""
    before = _BUT.split(text[max(0, label.start - 80) : label.start])[-1]
    stops = list(_LAST_STOP.finditer(before))
    return bool(_ASIDE.search(before[stops[-1].end() :] if stops else before))
