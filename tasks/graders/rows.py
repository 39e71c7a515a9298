"""Reads rows of a JSON lines file or of standard input (`-`), and checks the keys of a row."""

from __future__ import annotations

import codecs
import difflib
import math
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.domain import digits
from tasks.domain.errors import UserError

STDIN = "-"
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
         codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # fmt: skip
TRUE, FALSE = (1, "1", "true", "correct"), (0, "0", "false", "wrong", "incorrect")
MOST_MEMORY_MB, MOST_CPU_SECONDS = 65_536, 3600.0
ALIKE = 0.8  # of difflib: `lable` and `label`, `questions` and `question`
OTHER_NAMES = {
    "question": ("problem", "prompt", "query", "input"),
    "gold": ("answer", "golds", "reference", "ground_truth", "target", "expected", "solution"),
    "pred": ("prediction", "response", "completion", "output", "text", "model_answer"),
    "text": ("pred", "prediction", "response", "completion", "output"),
    "program": ("code", "solution", "completion", "source_code"),
    "label": ("correct", "is_correct", "labels"),
}


@dataclass(frozen=True)
class Line:
    """This record is a line's number, from 1, and its JSON value."""

    number: int
    value: Any


def read_lines(path: str, wanted: str, encoding: str | None = None) -> list[Line]:
    """Read all rows. UserError when there is no file, no row, another encoding, or a line that is not JSON; `wanted` says what was
    expected."""
    text = _decoded(_content(path, wanted), path, wanted, encoding)
    lines = [_line(line, number, path) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise UserError(f"{path} has no rows; expected {wanted}")
    return lines


def number_in(row: Mapping[str, Any], name: str, usual: float, most: float) -> float:
    """Return a row's number of this name, `usual` where it has none. Raises ValueError."""
    value = row.get(name)
    if value is None:
        return usual
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (math.isfinite(value) and 0 < value <= most)
    ):
        raise ValueError(f"{name} is {value!r}, expected a number above 0 and at most {most:g}")
    return float(value)


def refuse_other_names(row: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Raise UserError for a key that is close to a known one: `problem` for `question`, `lable` for `label`.

    Other keys are notes of whoever made the file (a source, a licence) and stay unread.
    """
    for key in row:
        meant = None if key in known else next(iter(_meant(key, row, known)), None)
        if meant is not None:
            raise UserError(
                f"{where} has the key {key!r} and no {meant}; call it {meant!r}, known are {', '.join(sorted(known))}"
            )


def expected_label(value: Any, where: str) -> bool | None:
    """Return a row's own label. UserError for one that means neither right nor wrong."""
    if value is None:
        return None
    if isinstance(value, int | str) and (value in TRUE or value in FALSE):
        return value in TRUE
    raise UserError(f"{where} has the label {value!r}; expected 1 or 0 (or correct, wrong)")


def _meant(key: str, row: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    missing = [name for name in known if name not in row]
    yield from (name for name in missing if key.lower() in OTHER_NAMES.get(name, ()))
    yield from (name for name in missing if difflib.SequenceMatcher(None, key.lower(), name).ratio() >= ALIKE)


def _content(path: str, wanted: str) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read()
    if not Path(path).is_file():
        raise UserError(f"there is no file {path}; expected {wanted}, or - for standard input")
    return Path(path).read_bytes()


def _decoded(content: bytes, path: str, wanted: str, encoding: str | None) -> str:
    found = next((name for mark, name in MARKS.items() if content.startswith(mark)), None)
    try:
        return content.decode(encoding or found or "utf-8")
    except LookupError as error:
        raise UserError(f"there is no encoding {encoding!r}; try utf-8, utf-16 or latin-1") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8 text (byte {error.start}); expected {wanted}; name another encoding with --encoding latin-1"
        ) from error


def _line(line: str, number: int, path: str) -> Line:
    try:
        return Line(number, digits.loads(line))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} line {number} is not JSON ({error}); expected one object a line") from error
