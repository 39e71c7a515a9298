"""Fenced blocks of a completion, and the program that they make.

Of several blocks the last that defines the entry point is meant, else the last that is a program and no example of its use.
Helpers and imports that it takes from earlier blocks come before it. All scans are linear in the length of the text.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from textwrap import dedent

from tasks.domain.python_source import parsed

PYTHON = {"python", "python3", "py", "py3", ""}
MOST_BLOCKS = 200  # that are looked at, from the end

FENCE = re.compile(r"^([ \t]*(?:(?:[-*+]|\d+\.)[ \t]+)?)(`{3,}|~{3,})[ \t]*([^\n`]*)$", re.MULTILINE)
ONE_LINE = re.compile(r"^[ \t]*```[ \t]*(?:(?:python3?|py)[ \t]+)?([^\n`]+)```[ \t]*$", re.MULTILINE | re.IGNORECASE)
_CLOSED_ON_ITS_LINE = re.compile(r"(?<=[^\s`\"'#])`{3,}[ \t]*$", re.MULTILINE)
QUOTES = re.compile(r"\"\"\"|'''")
_PROVIDES = re.compile(
    r"^(?:(?:async )?def|class)[ \t]+(\w+)|^([A-Za-z_]\w*)[ \t]*(?::[^=\n]+)?=(?!=)|^import[ \t]+([^\n#]+)|^from[ \t]+[\w.]+[ \t]+import[ \t]+([^\n#]+)",
    re.MULTILINE,
)
_DEFINITION = re.compile(
    r"(?:async )?def\b|class\b|import\b|from\b|@|#|\"\"\"|'''|[)\]}]|else\b|[A-Za-z_]\w*[ \t]*(?::[^=\n]+)?=(?!=)"
)
_WRITES = re.compile(r"\bprint\b|\bstdout\b|\bwrite\w*\s*\(")
_READS = re.compile(r"\binput\s*\(|\bstdin\b|\bopen\s*\(\s*0|\bfileinput\b")
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Block:
    """This record is a fenced block: its language in lower case, and its content."""

    language: str
    content: str


def blocks_of(text: str) -> list[Block]:
    """In order; the last one may be open. A fence within a docstring of a block is part of it."""
    found, start, seen, quoted = list[Block](), None, 0, False
    marks = list(FENCE.finditer(text))
    for mark in marks[-4 * MOST_BLOCKS :]:
        if start is None:
            start, seen, quoted = mark, mark.end(), False
            continue
        quoted ^= len(QUOTES.findall(text, seen, mark.start())) % 2 == 1
        seen = mark.end()
        other = mark[2][0] != start[2][0] or len(mark[2]) < len(start[2])
        if other or (quoted and QUOTES.search(text, mark.end())):
            continue
        found.append(_block(start, text[start.end() : mark.start()]))
        start, seen, quoted = (mark, mark.end(), False) if mark[3].strip() else (None, 0, False)
    if start is not None:
        found.append(_block(start, text[start.end() :]))
    return [block for block in found if block.content.strip()]


def _block(start: re.Match[str], content: str) -> Block:
    language = re.match(r"[\w+#.-]*", start[3].strip())
    content = _until_its_mark(content).strip("\n")
    indent = len(start[1].expandtabs())
    if indent and all(not line.strip() or line[:1].isspace() for line in content.split("\n")):
        lines = content.split("\n")
        first = next((line for line in lines if line.strip()), "")
        content = dedent(content) if len(first) - len(first.lstrip()) >= min(indent, 2) else content
    return Block(language[0].lower() if language else "", content)


def _until_its_mark(content: str) -> str:
    """A block whose closing mark stands at the end of its last line, outside of texts over several lines."""
    for mark in _CLOSED_ON_ITS_LINE.finditer(content):
        if len(QUOTES.findall(content, 0, mark.start())) % 2 == 0:
            return content[: mark.start()]
    return content


def chosen(blocks: list[Block], entry_point: str | None) -> str:
    """The program that the blocks make; `blocks` has one at least."""
    python = [one.content for one in blocks if one.language in PYTHON and not _is_transcript(one.content)]
    python = python or [typed for one in blocks if (typed := _typed(one.content))]
    python = (python or [one.content for one in blocks])[-MOST_BLOCKS:]
    marked = [one.content for one in blocks if one.language in PYTHON - {""} and not _is_transcript(one.content)]
    defining = [content for content in python if entry_point and defines(content, entry_point)]
    defining = [content for content in defining if not _is_stub(content)] or defining
    place = len(python) - 1 - python[::-1].index((defining or _programs(marked or python))[-1])
    if not entry_point and (pieces := _pieces(marked or python)):
        return "\n".join(pieces)
    program = _with_helpers(python[:place], python[place], entry_point)
    return _with_helpers(python[place + 1 :], program, entry_point, after=True)


def _is_transcript(content: str) -> bool:
    """A session at an interpreter's or a shell's prompt."""
    return content.lstrip().startswith((">>>", "$ ", "In [1]"))


def _is_stub(content: str) -> bool:
    """Whether it shows a signature alone: `def f(x): ...`."""
    try:
        (only,) = parsed(content).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if not isinstance(only, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    body = [
        one
        for one in only.body
        if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str))
    ]
    dots = [
        isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and one.value.value is ... for one in body
    ]
    return all(dots) or (isinstance(only, ast.FunctionDef) and len(body) == 1 and isinstance(body[0], ast.Pass))


def _typed(content: str) -> str:
    """Return what was typed in a session at Python's prompt; nothing for any other text."""
    if not content.lstrip().startswith(">>>"):
        return ""
    lines = [line.lstrip() for line in content.split("\n")]
    return "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... ")))


def _pieces(contents: list[str]) -> list[str]:
    """Return the blocks of a program that is written piece by piece: none reads and writes, one reads, and a later one writes what it read."""
    reading = [place for place, one in enumerate(contents) if _READS.search(one)]
    if not reading or any(_READS.search(one) and _WRITES.search(one) for one in contents):
        return []
    pieces, names = contents[reading[0] :], provided(contents[reading[0]])
    used = set(_WORD.findall("\n".join(pieces)))
    before = [one for one in contents[: reading[0]] if provided(one) & used]
    uses = [one for one in pieces[1:] if names & set(_WORD.findall(one)) and _WRITES.search(one)]
    return before + pieces if len(reading) == 1 and len(uses) == 1 and uses[0] is pieces[-1] else []


def _programs(contents: list[str]) -> list[str]:
    """Without those that only use, or show the use of, a program that stands before them."""
    kept: list[str] = []
    for content in contents:
        example = any(_runs(one) and _READS.search(one) for one in kept) and not _READS.search(content)
        if not example:
            kept.append(content)
    return kept


def _runs(content: str) -> bool:
    """Whether something happens when it is run: a statement at its top level that defines nothing."""
    return any(not _DEFINITION.match(line) for line in _top_level(content)) or bool(
        re.search(r"^[A-Za-z_]\w*[^=\n]*=[^\n]*\binput\s*\(", content, re.MULTILINE)
    )


def _top_level(content: str) -> list[str]:
    """Lines that begin without a blank, outside of texts over several lines."""
    lines, quoted = [], False
    for line in content.split("\n"):
        if not quoted and line[:1].strip():
            lines.append(line)
        quoted ^= len(QUOTES.findall(line)) % 2 == 1
    return lines


def _with_helpers(others: list[str], program: str, entry_point: str | None, after: bool = False) -> str:
    """With those of the other blocks, definitions and imports only, that define what the program uses and does not define."""
    own, used = provided(program), set(_WORD.findall(program))
    taken: list[str] = []
    for content in reversed(others):
        names = provided(content)
        another_version = bool(entry_point and entry_point in names) or bool(names & own & _defined(program))
        if (names - own) & used and not another_version and not _runs(content):
            taken.insert(0, content)
            own, used = own | names, used | set(_WORD.findall(content))
    return "\n\n".join([program, *taken] if after else [*taken, program])


def provided(content: str) -> set[str]:
    """Return the names that a block defines or imports at its top level."""
    names: set[str] = set()
    for match in _PROVIDES.finditer(content):
        if match[1] or match[2]:
            names.add(match[1] or match[2])
        else:
            parts = (match[3] or match[4]).strip("() ").split(",")
            names |= {part.split(" as ")[-1].strip().split(".")[0] for part in parts}
    return names - {""}


def _defined(content: str) -> set[str]:
    return {match[1] for match in _PROVIDES.finditer(content) if match[1]}


def defines(source: str, name: str) -> bool:
    """Whether the text defines this name at its top level, or as a method of a class `Solution`."""
    name = re.escape(name)
    if re.search(rf"^(?:(?:async )?def|class)\s+{name}\b|^{name}\s*[:=]", source, re.MULTILINE):
        return True
    solution = re.search(r"^class\s+Solution\b", source, re.MULTILINE)
    return solution is not None and bool(
        re.compile(rf"^[ \t]+(?:async )?def\s+{name}\b", re.MULTILINE).search(source, solution.end())
    )
