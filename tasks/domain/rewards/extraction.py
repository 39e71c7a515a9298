"""Find the final answer in a completion. The first of these that is there wins; each has its tag:

| tag | what |
|---|---|
| box | the last balanced `\\boxed{...}` that is not empty, together with boxes joined to it by `and` or a comma |
| hashes | the line after the last `####` |
| phrase | what follows the last "the answer is", "Answer:", or a line that starts with "A:" |
| bare | the whole completion, when it is one short line of mathematics |
| math | the last formula of the last sentence |
| last_number | the last number |

Thinking blocks are cut off first, and an unfinished one hides everything after it. Earlier answers do not count, so a
solution that corrects itself is not punished. All scans are linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tasks.domain.equivalence.unicode import plain

MAX_TEXT = 100_000  # characters looked at, from the end
MAX_ANSWER = 4000  # a longer "answer" is none
MAX_BOXES = 12  # that are joined into one answer
BARE_LENGTH = 400
Tag = Literal["box", "hashes", "phrase", "bare", "math", "last_number"]

_THINKING_END = re.compile(r"</(?:think|thinking|thought|reasoning)>")
_THINKING_START = re.compile(r"<(?:think|thinking|thought|reasoning)>")
_CHAT_MARK = re.compile(r"<\|[a-z_]{1,30}\|>|</s>|<eos>")
_BOX = re.compile(r"\\f?boxed\s*(?=[{\d\\a-zA-Z])")
_JOIN = re.compile(
    r"(?:[\s,;$&]|\\[()\[\],;:! ]|\\q?quad|\\\\|(?:\\text\s*)?\{?\s*\b(?:and|or)\b\s*\}?)*(?:[a-z](?:_\{?\w\}?)?\s*=\s*)?",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"[\s$]*[a-z]{3,15}(?: [a-z]{3,15})?,? and[\s$]*")  # \boxed{1} papers and \boxed{2} bins
_NOT_COUNTED = re.compile(r"\b(?:not|but|wait|wrong|actually|correct|instead|so|thus|hence|therefore|then)\b")
_EMPTY_BOX = re.compile(r"\$?\\boxed\{\s*\}\$?")
_PHRASE = re.compile(
    r"answer(?:\s*\*\*)?(?:\s+(?:is|are|equals|will be|would be|must be|should be)\b|\s*[:=])|^[ \t]*A:",
    re.IGNORECASE | re.MULTILINE,
)
_ANSWER_MATH = re.compile(r"\banswer\s*(?=\$|\\\(|\\\[)", re.IGNORECASE)
_MATH = re.compile(r"\$\$(.+?)\$\$|\$((?:\\\$|[^$])+?)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_NUMBER = re.compile(
    r"(?<![\w.,)\]}])[-−]?(?:[$€£]|\\\$)?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+(?:\.\d+)?)?(?:\s*\\?%)?|\.\d+|\d[\d,]*(?:\.\d+)?"
)
_SENTENCE_END = re.compile(r"(?:[.!?](?:\s|$|\*)|\n\s*\n|\n(?=[A-Z*#]))")
_COPULA = re.compile(r".*(?:\b(?:is|are|equals?|was|be)\b|:)\s*(?=\S)", re.DOTALL | re.IGNORECASE)
_OUTSIDE = re.compile(
    r"\\(?:text\w*|mbox|mathrm|mathbf|operatorname)\s*\{[^{}]*\}|\\begin\{\w+\}|\\end\{\w+\}|\\[a-zA-Z]+|<|>"
)
_WORD = re.compile(r"[A-Za-z]{2,}")
_FUNCTION_WORDS = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "log",
        "ln",
        "sqrt",
        "pi",
        "and",
        "or",
        "cm",
        "km",
        "kg",
        "mm",
        "ft",
        "exp",
        "min",
        "max",
        "lim",
        "inf",
        "percent",
    ]
)


@dataclass(frozen=True)
class Found:
    """An answer and where it stood."""

    answer: str
    tag: Tag


def extract(text: str) -> Found | None:
    """The final answer of a completion; None when it has none."""
    text = visible(text[-MAX_TEXT:])
    found = _box(text) or _hashes(text) or _phrase(text) or _bare(text) or _math(text) or _last_number(text)
    return found if found and found.answer and len(found.answer) <= MAX_ANSWER else None


def visible(text: str) -> str:
    """The text after the last thinking block and before a chat marker."""
    if "<" not in text:
        return text
    ends = list(_THINKING_END.finditer(text))
    text = text[ends[-1].end() :] if ends else text
    start = _THINKING_START.search(text)
    text = text[: start.start()] if start else text
    return next((part for part in _CHAT_MARK.split(text) if part.strip()), "")


def boxes(text: str) -> str | None:
    """Content of the last box, or of the boxes joined to it."""
    spans = [span for match in _last_boxes(text) if (span := _content(text, match)) is not None]
    spans = [span for span in spans if text[span[0] : span[1]].strip()]
    if not spans:
        return None
    group = [spans[-1]]
    for span in reversed(spans[:-1]):
        if span[2] > group[0][3] or not _joined(text[span[2] : group[0][3]]):
            break
        group.insert(0, span)
    contents = [text[start:end].strip() for start, end, _, _ in group]
    return ", ".join(dict.fromkeys(contents)) if len(set(contents)) > 1 else contents[-1]


def _last_boxes(text: str) -> list[re.Match[str]]:
    return list(_BOX.finditer(text))[-MAX_BOXES:] if "boxed" in text or "fbox" in text else []


def _content(text: str, match: re.Match[str]) -> tuple[int, int, int, int] | None:
    """(start, end of the content, end of the box, start of the box); None when it does not close."""
    at = match.end()
    if text[at] != "{":  # \boxed 5
        bare = re.compile(r"\\?[a-zA-Z]+|\d[\d.,]*\d|\d").match(text, at)
        return (at, bare.end(), bare.end(), match.start()) if bare else None
    depth = 0
    for brace in re.compile(r"\\.|[{}]").finditer(text, at, at + MAX_ANSWER):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return at + 1, brace.start(), brace.end(), match.start()
    return None


def _joined(gap: str) -> bool:
    """Whether two boxes with this between them are one answer."""
    if len(gap) > 60:
        return False
    if _JOIN.fullmatch(gap):
        return True
    return bool(_COUNTED.fullmatch(gap)) and not _NOT_COUNTED.search(gap)


def _box(text: str) -> Found | None:
    content = boxes(text)
    return Found(content, "box") if content else None


def _hashes(text: str) -> Found | None:
    _, mark, rest = text.rpartition("####")
    lines = rest[: 2 * MAX_ANSWER].strip().splitlines()
    return Found(trimmed(lines[0]), "hashes") if mark and lines and trimmed(lines[0]) else None


def _phrase(text: str) -> Found | None:
    last = None
    for pattern in (_PHRASE, _ANSWER_MATH):
        for match in pattern.finditer(text, max(0, len(text) - 20_000)):
            last = match if last is None or match.end() > last.end() else last
    if last is None:
        return None
    rest = _EMPTY_BOX.sub("", text[last.end() :]).strip().lstrip("*: \n")
    answer = _from_sentence(_first_sentence(rest))
    return Found(answer, "phrase") if answer else None


def _first_sentence(text: str) -> str:
    text = text[:1500]
    if text.startswith(("$$", "\\[")):
        end = text.find("$$" if text[0] == "$" else "\\]", 2)
        return text[: end + 2] if end > 0 else text
    stop = _SENTENCE_END.search(text)
    return text[: stop.start()] if stop else text


def _from_sentence(sentence: str) -> str:
    """The answer in one sentence: all of it when it is not prose, else what follows `is`, a formula, or a number."""
    sentence = sentence.strip()
    if _is_formula(sentence):
        return trimmed(sentence)
    tail = _COPULA.match(sentence)
    if tail and _is_formula(sentence[tail.end() :]):
        return trimmed(sentence[tail.end() :])
    formulas = _MATH.findall(sentence)
    if formulas:
        return trimmed("".join(formulas[-1]))
    number = _last_number(sentence)
    return number.answer if number else ("" if len(sentence.split()) > 6 else trimmed(sentence))


def _is_formula(text: str) -> bool:
    """Mathematics with at most a word or two beside it."""
    outside = _OUTSIDE.sub(" ", text)
    words = [word for word in _WORD.findall(outside) if word.lower() not in _FUNCTION_WORDS]
    return bool(text.strip()) and len(words) <= 2 and len(text) <= BARE_LENGTH


def _bare(text: str) -> Found | None:
    stripped = text.strip()
    if len(stripped) > BARE_LENGTH * 4 or "\n\n" in stripped:
        return None
    words = [word for word in _WORD.findall(_OUTSIDE.sub(" ", stripped)) if word.lower() not in _FUNCTION_WORDS]
    mathematics = re.search(r"[\d\\=<>^_+]|^\$?[a-zA-Z]\$?$", plain(stripped))
    if not mathematics or len(words) > 5 or ("$" in stripped and words and _MATH.search(stripped)):
        return None
    prose = len(words) > 2 and not re.search(r"[:=]", stripped)
    return None if prose else Found(trimmed(stripped), "bare")


def _math(text: str) -> Found | None:
    """The last formula, when the last sentence has one and does not end in a number of its own."""
    stripped = text.strip()
    cut = max(
        (match.end() for match in _SENTENCE_END.finditer(stripped, max(0, len(stripped) - 1500), len(stripped) - 1)),
        default=0,
    )
    sentence = stripped[max(cut, len(stripped) - 1500) :]
    formulas = list(_MATH.finditer(sentence))
    if not formulas:
        return None
    after = _last_number(sentence[formulas[-1].end() :])
    return (
        Found(after.answer, "last_number")
        if after
        else Found(trimmed(next(filter(None, formulas[-1].groups()))), "math")
    )


def _last_number(text: str) -> Found | None:
    for start in (max(0, len(text) - 300), 0):
        found = list(_NUMBER.finditer(text, start))
        if found and (found[-1].start() > start or start == 0):
            return Found(found[-1].group().rstrip(",").strip(), "last_number")
    return None


def trimmed(text: str) -> str:
    """Without the marks around an answer: dollars, emphasis, a full stop."""
    if len(text) > 2 * MAX_ANSWER:
        return text
    text = text.strip().strip("*").strip()
    text = re.sub(r"^(?:\\\[|\\\()\s*|\s*(?:\\\]|\\\))$", "", text.rstrip(".").strip())
    if (
        text.startswith("$")
        and text.endswith("$")
        and not text.endswith(r"\$")
        and text.count("$") - text.count(r"\$") in (2, 4)
    ):
        text = text.strip("$").strip()
    return text.rstrip(".,;: ").strip() if not text.endswith((r"\,", r"\;", r"\:")) else text
