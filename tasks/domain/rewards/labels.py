"""Where a completion says that its answer follows: `The answer is`, `Answer:`, `故选`, `Ответ:`, and their like.

Each language is a line: the words for "answer" (or what stands for it) and the words or signs that lead to the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LOOK_BACK = 20_000  # characters from the end in which labels are looked for
_END = r"[\"'`*_)\]]{0,4}"  # what may close the label before its colon: **Answer**:, "answer":
_SIGN = r"\s{0,3}(?:[:=]|→|->|=>)"

_ENGLISH = re.compile(
    rf"answers?(?:\s+(?:to|for)\s+(?:the|this|our|your)\s+(?:question|problem|exercise|task)|\s+(?:choice|option|here|then))?{_END}"
    rf"(?:\s+(?:is|are|equals|will be|would be|must be|should be|could be|might be|may be|turns out to be|comes out to(?: be)?|works out to(?: be)?)\b|{_SIGN})"
    rf"|\bans\b{_END}\s{{0,3}}[.:=]"
    rf"|\b(?:correct|right|best)\s+(?:option|choice|alternative|letter|statement)s?{_END}(?:\s+(?:is|are)\b|{_SIGN})"
    r"|\b(?:choose|pick|select)\s+(?=(?:option|choice|answer)\s|\([A-H]\))"
    r"|^[ \t]*A:|^[ \t]*\*\*A:?\*\*:?|^[ \t#*_]*(?:final[ \t]+)?answer[ \t*_]*$",
    re.IGNORECASE | re.MULTILINE,
)
_ENGLISH_WORDS = ("answer", "ans", "correct", "right", "best", "choose", "pick", "select", "a:", "**a")
_ENGLISH_MATH = re.compile(r"\banswer\s*(?=\$|\\\(|\\\[)", re.IGNORECASE)
_OTHER = re.compile(
    "|".join(
        (
            rf"(?:答案|最终结果|最後結果|最终答案)(?:应该|應該|就|应)?(?:{_END})(?:是|为|為|选|選|等于|等於|{_SIGN}){{1,2}}\s*:?",
            r"(?:故|应|應|所以|因此|答案)?(?:选择|選擇|选|選)\s*:?\s*(?=\(?[A-H]\b)",
            r"(?:^|(?<=[\s.,]))答\s*:",
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
_OTHER_ASCII = (
    "antwort",
    "ergebnis",
    "respuesta",
    "resposta",
    "risposta",
    "reponse",
    "antwoord",
    "odpowiedz",
    "cevap",
    "svar",
)
# `Option (B) is correct`: here the value stands before its label.
_CHOSEN = re.compile(
    r"(?:\b(?:option|choice|statement|alternative)\s+)?(?<![\w$\\{])\(?(?P<letter>[A-H])\)?\*{0,2}\s+is\s+(?:the\s+)?(?:only\s+)?(?:correct|right|best)\b",
)
# What turns a label into talk about other answers: `a common wrong answer is 6`, `if the answer is 6`.
_ASIDE = re.compile(
    r"\b(?:wrong|incorrect|mistak\w*|mistake|if|suppose|unless|someone|students?|people|previous|earlier|initial|initially|tempting|naive"
    r"|check(?:ing)? (?:if|whether|that)|whether|not|n't|whatever|say|claims?|told|grader|reference|format|goes|put|write|place|box)\b",
    re.IGNORECASE,
)
_LAST_STOP = re.compile(r"[.!?;\n](?=\s|$)|\n")


@dataclass(frozen=True)
class Label:
    """A place where an answer is announced. `aside`: the sentence talks about an answer rather than giving it."""

    start: int
    end: int  # where the answer begins
    aside: bool
    letter: str | None = None  # the answer itself, when it stood before the label


def labels(text: str) -> Iterator[Label]:
    """Return all labels in the last part of the text, in the order of their ends."""
    start = max(0, len(text) - LOOK_BACK)
    lowered = text[start:].casefold()
    patterns = []
    if "ans" in lowered or "a:" in lowered or "a**" in lowered or "correct" in lowered or "choose" in lowered:
        patterns += [_ENGLISH, _ENGLISH_MATH]
    elif any(word in lowered for word in ("option", "choice", "best", "right", "pick", "select")):
        patterns += [_ENGLISH]
    if not lowered.isascii() or any(word in lowered for word in _OTHER_ASCII):
        patterns.append(_OTHER)
    found = [
        Label(m.start(), m.end(), _is_aside(text, m.start()))
        for pattern in patterns
        for m in (_english(text, start) if pattern is _ENGLISH else pattern.finditer(text, start))
    ]
    if " is " in lowered and ("correct" in lowered or "right" in lowered or "best" in lowered):
        found += [
            Label(m.start(), m.end(), _is_aside(text, m.start()), m["letter"]) for m in _CHOSEN.finditer(text, start)
        ]
    yield from sorted(found, key=lambda label: (label.end, label.start))


def _english(text: str, start: int) -> Iterator[re.Match[str]]:
    """What `_ENGLISH.finditer` gives, looked for only where one of its words stands: ten times faster."""
    lowered = text.lower()
    if len(lowered) != len(text):
        yield from _ENGLISH.finditer(text, start)
        return
    places = {at for word in _ENGLISH_WORDS for at in _places(lowered, word, start)}
    places |= {max(start, lowered.rfind("\n", 0, at) + 1) for at in places}
    end = start
    for at in sorted(places):
        match = _ENGLISH.match(text, at) if at >= end else None
        if match:
            end = match.end()
            yield match


def _places(text: str, word: str, start: int) -> Iterator[int]:
    at = text.find(word, start)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _is_aside(text: str, at: int) -> bool:
    """Whether the sentence before `at` makes the label no statement of the answer."""
    before = text[max(0, at - 80) : at]
    stops = list(_LAST_STOP.finditer(before))
    return bool(_ASIDE.search(before[stops[-1].end() :] if stops else before))
