"""Two answers in one form: what one of them says twice, or says with a word that the other leaves out."""

from __future__ import annotations

import re

_SIGN = r"(?:[<>≤≥]|\\(?:le|ge|leq|geq|leqslant|geqslant|lt|gt)(?![a-z]))"
_TWICE = re.compile(
    rf"^[\s$]*[^:]*{_SIGN}[^:]*:\s*\$?\s*(?P<set>(?:\\left)?[(\[][^:]*[)\]])[\s$.]*$"
)  # 3 < k \le 4 : (3, 4]
_WORD_OF_CONDITION = re.compile(r"(?<![A-Za-z])(?:where|with|for|if|when|provided|such that)(?![A-Za-z])")
_LAST_CONDITION = re.compile(
    rf",\s*\$?(?=\s*[a-z]\s*(?:\\neq?(?![a-z])|≠|!=|{_SIGN})\s*-?[\d\\.a-z{{}}/]+[\s$.]*$)", re.IGNORECASE
)
_MEMBER = re.compile(r"^[\s$]*[a-z]\s*\\in(?![a-z])\s*(?=\\mathbb)")
_CASES = re.compile(r"(?:\\left\s*\\\{)?\\begin\{cases\}(.*?)\\end\{cases\}(?:\\right\s*\.)?", re.DOTALL)
_PARITY = re.compile(r"(?<![A-Za-z])(?:even|odd|otherwise|prime)(?![A-Za-z])|[奇偶]")
_LEAD = re.compile(r"^[\s,]*(?:\\text\w*\s*\{\s*(?:,\s*)?(?:if|when|for)\s*\}|(?:if|when|for)(?![A-Za-z]))")
_SUBJECT = re.compile(
    r"^[\s$]*(?:\\text\w*\{\s*)?(?:(?:the )?function )?\$?[a-zA-Z]\([a-z]\)\$?\s+is\s+(?=(?:strictly |monotonically |always )?(?:in|de)creasing)"
)


def in_one_form(gold: str, answer: str) -> tuple[str, str]:
    """An interval for itself and its inequality, a condition with its word, a property without its subject."""
    if ":" in gold and ":" not in answer:
        gold = _TWICE.sub(lambda match: match["set"], gold)
    if r"\setminus" in gold or r"\setminus" in answer:
        gold, answer = (_MEMBER.sub("", side) if r"\setminus" in side else side for side in (gold, answer))
    if "{cases}" in gold or "{cases}" in answer:
        gold, answer = _in_sentences(gold), _in_sentences(answer)
    if "reasing" in gold and "reasing" in answer:
        gold, answer = (_SUBJECT.sub("", side) for side in (gold, answer))
    said = [_WORD_OF_CONDITION.search(side) is not None for side in (gold, answer)]
    if said == [True, False]:
        answer = _with_word(answer)
    elif said == [False, True]:
        gold = _with_word(gold)
    return gold, answer


def _in_sentences(text: str) -> str:
    """n/2, & n even \\\\ (n+1)/2, & n odd as `n/2 if n is even, (n+1)/2 if n is odd`: conditions in words are no formulas."""
    match = _CASES.search(text)
    if match is None:
        return text
    rows = [row.partition("&") for row in re.split(r"\\\\", match[1]) if row.strip()]
    if len(rows) < 2 or not all(_PARITY.search(condition) for _, _, condition in rows):
        return text
    said = [
        f"{value.strip(' ,')} \\text{{ if }} {_LEAD.sub('', condition).strip(' ,.')}" for value, _, condition in rows
    ]
    return text[: match.start()] + ", ".join(said) + text[match.end() :]


def _with_word(text: str) -> str:
    """f(x) = cx, c \\ne 0 as f(x) = cx where c \\ne 0."""
    match = _LAST_CONDITION.search(text) if "=" in text else None
    return text[: match.start()] + r", \text{ where } " + text[match.end() :].strip(" $") if match else text
