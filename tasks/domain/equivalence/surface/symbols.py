"""Units as symbols with negative powers and no text command: `5 g mL^{-1}`, `3 N C^{-1}`."""

from __future__ import annotations

import re

from tasks.domain.equivalence.words.units import known

_VALUE = r"-?(?:\d[\d.,]*(?:\s*(?:\\times|\\cdot)\s*10\s*\^\s*\{?-?\d+\}?)?|\\[dt]?frac\{\d+\}\{\d+\})"
_GAP = r"(?:\s|~|\\[,;: ]|\\cdot(?![a-z])|·)"
_SYMBOL = r"[A-Za-zµμΩ]{1,4}(?:\s*\^\s*(?:\{\s*-?\d\s*\}|-?\d))?"
_IN_SYMBOLS = re.compile(rf"[\s$]*(?P<value>{_VALUE}){_GAP}+(?P<unit>{_SYMBOL}(?:{_GAP}+{_SYMBOL})+)[\s$.]*")
_MEASURED = re.compile(rf"[\s$]*(?P<value>{_VALUE})(?P<unit>.*?)[\s$.]*")
_NEGATIVE = re.compile(r"\^\s*\{?\s*-")
_NAMES = re.compile(r"[A-Za-zµμΩ]+")
_COMMANDS = re.compile(r"\\(?:text|mathrm|mbox|rm|,|;|:| )|[{}$~]")


def in_symbols(gold: str, answer: str, letters: frozenset[str]) -> tuple[str, str]:
    """Both with such units in text commands, where the other side is a number, alone or with a known unit: no algebra, and not in
    `letters` that the question has as its own."""
    if "^" not in gold + answer or not (_stands_alone(gold, answer, letters) or _stands_alone(answer, gold, letters)):
        return gold, answer
    return _as_text(gold), _as_text(answer)


def _stands_alone(text: str, other: str, letters: frozenset[str]) -> bool:
    """Whether a text is a value with its unit in such symbols, and the other a value with a unit or none."""
    match = _IN_SYMBOLS.fullmatch(text) if _NEGATIVE.search(text) else None
    beside = _MEASURED.fullmatch(other) if match else None
    if match is None or beside is None or not known(_plain(match["unit"])):
        return False
    if not (theirs := _plain(beside["unit"])):
        return not set(_NAMES.findall(match["unit"])) <= letters
    return known(theirs)


def _as_text(text: str) -> str:
    match = _MEASURED.fullmatch(text)
    unit = _plain(match["unit"]) if match else ""
    return rf"{match['value']} \text{{ {unit} }}" if match and unit else text


def _plain(unit: str) -> str:
    return (
        " ".join(_COMMANDS.sub(" ", unit.replace(r"\cdot", " ").replace("·", " ")).split())
        .replace(" ^", "^")
        .replace("^ ", "^")
    )
