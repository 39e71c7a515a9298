"""LaTeX (or plain) mathematics as a list of tokens; layout is dropped, words become text tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tasks.domain.equivalence.surface.spelling import rewritten
from tasks.domain.equivalence.unicode import plain
from tasks.domain.equivalence.words.units import LETTERS, known, usual
from tasks.domain.equivalence.words.vocabulary import (
    FUNCTIONS,
    LAYOUT_COMMANDS,
    SHORT_WORDS,
    SYMBOL_COMMANDS,
    TEXT_COMMANDS,
    WORDS,
)

MAX_CHARACTERS = 4000  # the longest MATH gold has 150
MAX_TOKENS = 1500
MAX_DEPTH = 40
MAX_DIGITS = 400


class Unreadable(Exception):
    """The text is not an answer this grammar knows."""


class OverLimit(Unreadable):
    """The text is too long, too deep or too large to be looked at."""


class Token(NamedTuple):
    """kind: num, sym, cmd, op, text, begin, end, row. `spaced`: white space stood before it."""

    kind: str
    value: str
    spaced: bool


_SCANNER = re.compile(
    rf"""
      (?P<space>\s+|~|\\[,;:!>\ ])
    | (?P<row>\\\\(?:\s*\[[^\]]{{0,20}}\])?)
    | (?P<layout>{LAYOUT_COMMANDS}|\\h?phantom\s*[-+\d]|\\(?=\s|$)|\$+|\\[()\[\]]
        |\\(?:text)?color\s*\{{[^{{}}]{{0,20}}\}}|\\(?:hspace|vspace|phantom|hphantom|label|tag)\*?\s*\{{[^{{}}]{{0,40}}\}})
    | (?P<repeating>\d*\.\d*\\(?:overline|dot)\s*\{{\d+\}})
    | (?P<num>(?:\d+\.\d+|\.\d+|\d+)(?:[eE][-+]?\d{{1,6}}(?![\w.]))?)
    | (?P<text>{TEXT_COMMANDS})
    | (?P<env>\\(?:begin|end)\s*\{{\s*[a-zA-Z]+\*?\s*\}})
    | (?P<cmd>\\[a-zA-Z]+|\\[{{}}|$%\#&_^'"-])
    | (?P<word>[a-zA-Z]+|[^\W\d_]+)
    | (?P<op><=|>=|!=|==|=>|\*\*|\.{{3,}}|[-+*/^_=<>(){{}}\[\]|,;:!%'"&.?])
    """,
    re.VERBOSE,
)
_SIGNS = frozenset("+-/^_(){}[],;:|")  # no other token begins with one of these
UNITS_BY_NAME = frozenset({"sec", "min"})  # behind a number or a slash
_COUNTED = re.compile(r"\d+(?:\.\d+)? +[A-Za-z][A-Za-z ]*")  # 15 days, inside \text
_TEXT_SPACES = re.compile(r"~|\\[,;:!> ]")
_HALF_DAY = re.compile(r"[ap]\.? ?m", re.IGNORECASE)
_DOUBLED = re.compile(r"\\\\(?=[a-zA-Z]{2})")  # commands escaped twice, outside environments
_OPEN_BRACE = re.compile(r"\\left\s*\\\{\s*\\begin\{(?:array|aligned|gathered|matrix)\}(?:\s*\{[^{}]{0,20}\})?")
_GROUPS = re.compile(r"(?<=\d)\s*(?:\{\s*,\s*\}|,\s*\\!|\\!\s*,|\{\s*,\s*\\!\s*\})\s*(?=\d{3})")
_DECIMAL_COMMA = re.compile(r"(?<=\d)\{\s*,\s*\}(?=\d)")  # 3{,}5, whose comma does not group
_SPACE_GROUPS = re.compile(r"(?<![\d.^_{])(?<!\d )\d{1,3}(?:(?:\\[,;: ]|~| )\d{3})+(?![\d.]|[ ~]\d|\s*/)")
_COMMA_GROUPS = re.compile(r"(?<![\d.,_^])\d{1,3}(?:,\d{3})+(?![\d])")


def tokenize(text: str, commas_group: bool = True) -> list[Token]:
    """Tokens of an answer. `commas_group`: 1,234 outside brackets is one number. OverLimit beyond the limits above."""
    if len(text) > MAX_CHARACTERS:
        raise OverLimit("characters")
    text = _prepared(plain(text), commas_group)
    tokens = list(_scan(text))
    if len(tokens) > MAX_TOKENS:
        raise OverLimit("tokens")
    _check_depth(tokens)
    return tokens


def _prepared(text: str, commas_group: bool) -> str:
    text = rewritten(text)
    if "\\\\" in text and "\\begin" not in text:
        text = _DOUBLED.sub(r"\\", text)
    if "\\left" in text and "\\begin" in text:
        text = _OPEN_BRACE.sub(r"\\begin{cases}", text)
    if "," in text:
        text = _DECIMAL_COMMA.sub(".", _GROUPS.sub("", text))
    text = _SPACE_GROUPS.sub(lambda match: re.sub(r"\D", "", match.group()), text)
    return _grouped(text) if commas_group and "," in text else text


def _grouped(text: str) -> str:
    """1,234 -> 1234, except inside brackets, where commas separate."""

    def join(match: re.Match[str]) -> str:
        before = text[: match.start()]
        inside = any(before.count(left) > before.count(right) for left, right in ("()", "[]")) or r"\{" in before
        return match.group() if inside else match.group().replace(",", "")

    return _COMMA_GROUPS.sub(join, text)


def _scan(text: str) -> Iterator[Token]:
    at, spaced, before, slash = 0, False, "", False
    while at < len(text):
        if (sign := text[at]) in _SIGNS:
            yield Token("op", sign, spaced)
            before, spaced, slash, at = "op", False, sign == "/", at + 1
            continue
        match = _SCANNER.match(text, at)
        if match is None:
            raise Unreadable(f"character {text[at]!r}")
        kind, value, at = match.lastgroup or "", match.group(), match.end()
        if kind in ("space", "layout"):
            spaced = spaced or kind == "space"
            continue
        if kind == "num" and value.startswith(".") and before == "num" and not spaced:
            raise Unreadable("two decimal points")
        if kind == "cmd" or (kind == "op" and len(value) < 3) or (kind == "num" and len(value) < 4):
            yield Token(kind, value, spaced)
            before, spaced, slash = kind, False, value == "/"
            continue
        if kind == "text":
            content, at = _braced(text, at)
            found = list(_text_tokens(value, content, spaced, before, slash))
        else:
            following = text[at : at + 1]
            raised = (
                kind == "word"
                and len(value) <= 3
                and value.isascii()
                and not (before == "num" and len(value) > 1 and usual(value))  # 7 cm^2
                and (following in ("^", "_") or (value.isupper() and following in ("}", "/", "=", ":", "|")))
            )
            found = (
                [Token("sym", letter, False) for letter in value] if raised else []
            )  # Be^x is no verb, NO/BO no word
            found = found or list(_tokens_of(kind, value, spaced, before, slash))
        yield from found
        before, spaced = found[-1].kind if found else before, False
        slash = bool(found) and found[-1].value == "/"


def _tokens_of(kind: str, value: str, spaced: bool, before: str, after_slash: bool) -> Iterator[Token]:
    if kind == "num" and (
        len(value) > MAX_DIGITS or (len(re.split("[eE]", value)[-1].strip("+-")) > 3 and "e" in value.lower())
    ):
        raise OverLimit("digits")
    if kind == "word":
        yield from _word(value, spaced, before, after_slash)
    elif kind == "env":
        yield Token("end" if value.startswith(r"\end") else "begin", value.split("{")[1].strip("} *"), spaced)
    elif kind == "op" and value.startswith(".."):
        yield Token("cmd", r"\ldots", spaced)
    else:
        yield Token(kind, value, spaced)


def _word(word: str, spaced: bool, before: str, after_slash: bool) -> Iterator[Token]:
    """One letter is a symbol, a known name a command, two or three letters a product, anything else text."""
    if len(word) == 1 and word.isascii():
        yield Token("sym", word, spaced)
    elif word in WORDS:
        yield Token("cmd", WORDS[word], spaced)
    elif word in FUNCTIONS - UNITS_BY_NAME or (word in FUNCTIONS and before != "num" and not after_slash):
        yield Token("cmd", "\\" + word, spaced)
    elif (
        word.isascii()
        and len(word) <= 3
        and word.lower() not in SHORT_WORDS
        and before != "text"
        and not (spaced and before == "num" and len(word) > 1 and usual(word))
    ):
        for letter in word:
            yield Token("sym", letter, spaced)
            spaced = False
    else:
        yield Token("text", word, spaced)


def _text_tokens(command: str, content: str, spaced: bool, before: str, after_slash: bool) -> Iterator[Token]:
    """Text that is mathematics after all (a letter, a number, a function name) is read as such."""
    words = re.findall(r"[^\W\d_]+", content)
    bare = _TEXT_SPACES.sub(" ", content).strip().strip(".")
    if not bare:
        return
    if bare in FUNCTIONS - {"min", "max"} and not (bare in UNITS_BY_NAME and (before == "num" or after_slash)):
        yield Token("cmd", "\\" + bare, spaced)
    elif _HALF_DAY.fullmatch(bare) or (before == "num" and (bare in LETTERS or known(bare))):
        yield Token("text", bare, spaced)
    elif _COUNTED.fullmatch(bare):
        yield from _scan(bare)
    elif not command.startswith(r"\operatorname") and all(len(word) == 1 and word.isascii() for word in words):
        for token in _scan(bare):
            yield token._replace(spaced=token.spaced or spaced)
    elif command.startswith(SYMBOL_COMMANDS) and len(words) == 1:
        for letter in words[0]:
            yield Token("sym", letter, spaced)
    else:
        yield Token("text", _TEXT_SPACES.sub(" ", content.replace("$", "")).strip() or " ", spaced)


def _braced(text: str, at: int) -> tuple[str, int]:
    """Content of the group at `at` and where it ends; a single character when there is no brace; the rest when unclosed."""
    if at >= len(text) or text[at] != "{":
        return text[at : at + 1], at + 1
    depth = 0
    for end in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[at + 1 : end], end + 1
    return text[at + 1 :], len(text)


def _check_depth(tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        if token.value in ("(", "[", "{", r"\{"):
            depth += 1
        elif token.value in (")", "]", "}", r"\}"):
            depth -= 1
        if depth > MAX_DEPTH:
            raise OverLimit("nesting")
