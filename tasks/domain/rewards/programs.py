"""Find the program in a completion, and put it together with the text that it completes.

The first of these that is there wins; each has its tag:

| tag | what |
|---|---|
| fence | a fenced block; of several the last that defines the entry point, else the last marked as Python, else the last |
| open_fence | the text before the first closing fence, when the prompt had opened it |
| text | the completion itself, prose before and after it cut off |

Thinking is cut off first. Nothing here parses the program: it may be anything, and scans are linear in its length.
A text that completes a HumanEval prompt stops at the first line that is neither indented nor a definition.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from tasks.domain.rewards.extraction import visible

MAX_PROGRAM = 1 << 20  # characters; a longer one is cut, and will not compile
Tag = Literal["fence", "open_fence", "text"]
PYTHON = {"python", "python3", "py", "py3", ""}

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[ \t]*([\w+#.-]*)[^\n]*$", re.MULTILINE)
_CODE_LINE = re.compile(
    r"(?:def|class|import|from|async def|if|for|while|try:|with|return|print|assert|lambda|global|raise|@|#)\b"
    r"|@|#|\"\"\"|'''|[A-Za-z_][\w.]*\s*(?:[-+*/%&|^]|//|\*\*|<<|>>)?=(?!=)|[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)+\s*="
    r"|[A-Za-z_][\w.]*(?:\(|\[)|(?:pass|break|continue)\s*$"
)
_PROSE = re.compile(r"[A-Z][\w'’]*,?(?: [\w'’,()-]+){2,}.*|[A-Z][\w'’ ]*[:.!]\s*|[-*>] .*|#{2,} .*|\d+\. .*")
_TOP_LEVEL = re.compile(r"(?:def|class|import|from|async def|@|[A-Z_][A-Z0-9_]*\s*=)")


@dataclass(frozen=True)
class FoundProgram:
    """A program and where it stood."""

    source: str
    tag: Tag


def find_program(text: str, entry_point: str | None = None) -> FoundProgram | None:
    """The program of a completion; None when there is none."""
    text = visible(text[-2 * MAX_PROGRAM :].replace("\r\n", "\n"))
    found = _fenced(text, entry_point) or _as_it_is(text)
    return found if found and found.source.strip() else None


def _fenced(text: str, entry_point: str | None) -> FoundProgram | None:
    marks = list(_FENCE.finditer(text))
    if not marks:
        return None
    opened_before = len(marks) % 2 == 1 and marks[0].group(1) == "" and _looks_like_code(text[: marks[0].start()])
    if opened_before:
        return FoundProgram(text[: marks[0].start()].strip("\n"), "open_fence")
    blocks = _blocks(text, marks)
    return FoundProgram(_chosen(blocks, entry_point) if blocks else "", "fence")


def _blocks(text: str, marks: list[re.Match[str]]) -> list[tuple[str, str]]:
    """(language, content) of each fenced block; the last one may be open."""
    blocks, start = list[tuple[str, str]](), None
    for mark in marks:
        if start is None or mark.group(1):
            start = mark
        else:
            blocks.append((start.group(1).lower(), text[start.end() : mark.start()].strip("\n")))
            start = None
    if start is not None:
        blocks.append((start.group(1).lower(), text[start.end() :].strip("\n")))
    return [block for block in blocks if block[1].strip()]


def _chosen(blocks: list[tuple[str, str]], entry_point: str | None) -> str:
    python = [content for language, content in blocks if language in PYTHON] or [content for _, content in blocks]
    defining = [content for content in python if entry_point and defines(content, entry_point)]
    marked = [content for language, content in blocks if language in PYTHON - {""}]
    return (defining or marked or python)[-1]


def _looks_like_code(text: str) -> bool:
    first = next((line for line in text.split("\n") if line.strip()), "")
    return bool(first[:1].isspace() or _CODE_LINE.match(first)) and not _is_prose(first)


def _as_it_is(text: str) -> FoundProgram:
    """The lines from the first to the last that is not prose."""
    lines = text[:MAX_PROGRAM].split("\n")
    first, last = 0, len(lines)
    while first < last and (not lines[first].strip() or _is_prose(lines[first])):
        first += 1
    while last > first and (not lines[last - 1].strip() or _is_prose(lines[last - 1])):
        last -= 1
    return FoundProgram("\n".join(lines[first:last]), "text")


def _is_prose(line: str) -> bool:
    return bool(_PROSE.fullmatch(line[:1000])) and not _CODE_LINE.match(line)


def defines(source: str, name: str) -> bool:
    """Whether the text defines this name at its top level."""
    return bool(re.search(rf"^(?:(?:async )?def|class)\s+{re.escape(name)}\b|^{re.escape(name)}\s*[:=]", source, re.M))


def complete(program: str, tests: Mapping[str, Any]) -> str:
    """The source to run: the program, after the prompt where the tests have one that is Python.

    A program that defines the entry point itself still gets the prompt's imports and helpers; any other is taken as the
    body of the prompt's last function.
    """
    prompt = prompt_code(str(tests.get("prompt") or ""))
    if not prompt:
        return program
    entry_point = tests.get("entry_point")
    if isinstance(entry_point, str) and defines(program, entry_point):
        return program if "from __future__" in program else f"{prompt.closed}\n\n{program}"
    return f"{prompt.text}{body_of(program)}"


def assembled(program: str, tests: Mapping[str, Any]) -> str:
    """As `complete`, for what is known to be a program and not a model's text: nothing of it is cut off."""
    prompt = prompt_code(str(tests.get("prompt") or ""))
    if not prompt or "from __future__" in program:
        return program
    first = next((line for line in program.split("\n") if line.strip()), "")
    if first[:1].isspace():
        return f"{prompt.text}{program}"
    if re.match(r"(?:return|yield)\b", first):
        return prompt.text + "\n".join(_indented(program.split("\n")))
    return f"{prompt.closed}\n\n{program}"


def body_of(text: str) -> str:
    """The part of a completion that continues an indented function; helpers after it stay, chatter and calls go."""
    lines = _indented(text.strip("\n").split("\n"))
    kept: list[str] = []
    for line in lines:
        if line.strip() and not line[0].isspace() and line[0] not in ")]}#" and not _TOP_LEVEL.match(line):
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + "\n"


def _indented(lines: list[str]) -> list[str]:
    """A body whose first line lost its blanks (stripped), or whose every line did (a fenced block)."""
    if lines[0][:1].isspace() or _TOP_LEVEL.match(lines[0]):
        return lines
    second = next((line for line in lines[1:] if line.strip()), None)
    deeper = 8 if lines[0].rstrip().endswith(":") else 4
    if second is None or len(second) - len(second.lstrip()) >= deeper:
        return [f"    {lines[0]}", *lines[1:]]
    return [f"    {line}" if line.strip() else line for line in lines]


@dataclass(frozen=True)
class PromptCode:
    """A prompt that is Python: as it is, and closed so that it runs by itself."""

    text: str
    closed: str

    def __bool__(self) -> bool:
        return bool(self.text)


@lru_cache(maxsize=4096)
def prompt_code(prompt: str) -> PromptCode:
    """The prompt of a code problem (data, not model output); empty when it is only words."""
    text = prompt if prompt.endswith("\n") or not prompt else f"{prompt}\n"
    for closed in (text, f"{text.rstrip()}\n    pass\n"):
        try:
            if text.strip() and ast.parse(closed).body:
                return PromptCode(text, closed)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return PromptCode("", "")
