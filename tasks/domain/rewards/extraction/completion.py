"""The part of a completion that answers: after its thinking, before it goes on with somebody else's question.

`visible` is for every kind of reward; `legible` and `own` are for answers in prose. All scans are linear in the text.
"""

from __future__ import annotations

import re

_NAMES = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis"
THINKING_END = re.compile(rf"</(?:{_NAMES})\s*>|◁/think▷|\[/THINK\]|<\|end_of_thought\|>", re.IGNORECASE)
THINKING_START = re.compile(rf"<(?:{_NAMES})\s*>|◁think▷|\[THINK\]|<\|begin_of_thought\|>", re.IGNORECASE)
_CHAT_MARK = re.compile(r"<[|｜][^<>|｜\n]{1,40}[|｜]>|</?s>|<eos>|<(?:start|end)_of_turn>|\[/?INST\]")
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final[^<>]{0,40}<\|message\|>")
_TAG_LIKE = re.compile(rf"<(?:[/|｜]|s>|eos|start|end|{_NAMES})", re.IGNORECASE)
_FULL_WIDTH: dict[int, str | None] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_FULL_WIDTH |= {
    ord(mark): plain
    for mark, plain in zip("。、．，；：！？｡", (". ", ", ", ".", ", ", "; ", ": ", "! ", "? ", ". "), strict=True)
}
_FULL_WIDTH |= {
    ord(mark): None
    for mark in "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufe0f"
}
_FULL_WIDTH |= {ord(space): " " for space in "\u00a0\u2007\u202f\u3000\u2009"}
_HTML = re.compile(r"<(b|i|u|em|strong|mark|code|center|span|p|div|h[1-6])>([^<>]{0,200})</\1>", re.IGNORECASE)
_RAISED = re.compile(r"<(sup|sub)>([^<>]{1,20})</\1>", re.IGNORECASE)
_BLOCKS = frozenset({"p", "div", "center", *(f"h{size}" for size in range(1, 7))})  # each on a line of its own
_LONG_GAP, _SPACES, STRIDE = re.compile(r"\s{30,}"), re.compile(r"\s{6}"), 5
_WIDE_GROUPS = re.compile(r"(?<=\d)，(?=\d{3}(?!\d))")
# A heading under which somebody else asks: `Question: ...`, `### Problem 2`, `Q: ...`, `user`.
_ASKS = re.compile(
    r"^[ \t]*(?:[#>*_\[(]+[ \t]*)*(?:(?:new|next|another)[ \t]+)?"
    r"(?:(?:problem|question|exercise|example|instruction|input|task|human|user|q|题目|问题|例题|問題|질문|문제|вопрос|задача|frage|aufgabe"
    r"|pregunta|problema|exercice|pergunta|domanda)\b[ \t]*\d{0,4}[ \t]*[\])*_]*[ \t]*[:.][*_ \t]*|(?:user|human|assistant)[ \t]*$"
    r"|###[ \t]*(?:instruction|question|problem|input)\b)",
    re.IGNORECASE | re.MULTILINE,
)


def visible(text: str) -> str:
    """Return the text after the last thinking block and before a chat marker; an unfinished block hides all that follows it."""
    return _between_marks(text) if has_marks(text) else text


def has_marks(text: str) -> bool:
    """Return whether there can be a thinking block or a chat marker."""
    if "◁" in text or ("<" in text and _TAG_LIKE.search(text)):
        return True
    return "[" in text and ("think]" in (folded := text.casefold()) or "inst]" in folded)


def _between_marks(text: str) -> str:
    if "<|channel|>" in text:
        text = final_channel(text)
    ends = list(THINKING_END.finditer(text))
    text = text[ends[-1].end() :] if ends else text
    start = THINKING_START.search(text)
    text = text[: start.start()] if start else text
    return next((part for part in _CHAT_MARK.split(text) if part.strip()), "")


def final_channel(text: str) -> str:
    """Return the final message of a completion in channels; what stands before the first channel, when there is none."""
    finals = list(_FINAL_CHANNEL.finditer(text))
    return text[finals[-1].end() :] if finals else text.partition("<|channel|>")[0]


def legible(text: str) -> str:
    """Return full-width letters, digits and punctuation as ASCII, without marks that show nothing (zero width, direction).

    Long runs of white space are cut short: patterns that begin with `\\s*` would read them once from each of their places.
    """
    if not text.isascii():
        text = _WIDE_GROUPS.sub(",", text).translate(_FULL_WIDTH)
    if not _SPACES.search(text[::STRIDE]):  # a gap of 30 holds six of every fifth character
        return text
    return _LONG_GAP.sub(lambda gap: "\n\n" if gap.group().count("\n") > 1 else gap.group()[:1], text)


def unmarked(text: str) -> str:
    """Return the text without HTML marks around a few words: `<b>42</b>` is 42."""
    if "<su" in text:
        text = _RAISED.sub(lambda mark: ("^{" if mark[1].lower() == "sup" else "_{") + mark[2] + "}", text)
    return (
        _HTML.sub(lambda mark: f" {mark[2]} " if mark[1].lower() in _BLOCKS else mark[2], text)
        if "<" in text and "</" in text
        else text
    )


def own(text: str, answered: int) -> str:
    """Return the text up to the first question that it asks itself after `answered`, the end of its first answer."""
    asks = _ASKS.search(text, answered)
    return text[: asks.start()] if asks else text
