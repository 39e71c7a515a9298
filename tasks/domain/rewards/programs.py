"""Find the program in a completion, and put it together with the text that it completes.

The first of these that is there wins; each has its tag:

| tag | what |
|---|---|
| fence | a fenced block; of several the one that `fences` chooses, with the helpers that it takes from earlier ones |
| open_fence | the text before the first closing fence, when the prompt had opened it |
| text | the completion itself, prose before and after it cut off |

Thinking is cut off first, then the tags that formats wrap an answer in (`<answer>`, `<python>`, `[BEGIN]`). Nothing here parses the
program: it may be anything, and scans are linear in its length.
A text that completes a HumanEval prompt stops at the first line that is neither indented nor a definition.
"""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from tasks.domain.python_source import parsed
from tasks.domain.rewards.extraction.completion import THINKING_END, THINKING_START, final_channel, has_marks
from tasks.domain.rewards.fences import FENCE, ONE_LINE, QUOTES, blocks_of, chosen, defines

__all__ = ["FoundProgram", "assembled", "complete", "defines", "find_program"]

MAX_PROGRAM = 1 << 20  # characters; a longer one is cut, and will not compile
Tag = Literal["fence", "open_fence", "text"]

_QUOTED_FENCE, _QUOTE = re.compile(r"^> ?(?:```|~~~)", re.MULTILINE), re.compile(r"^> ?", re.MULTILINE)
_CHAT_MARK = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|</?s>|<eos>|<(?:start|end)_of_turn>|^[ \t]*\[/?INST\]|<\|[a-z_]{0,30}\Z",
    re.MULTILINE,
)
_FIELDS = ("code", "program", "solution", "python", "answer", "completion")  # of a JSON object
_QUOTED_BEFORE = re.compile(r"[\"']|(?<!`)`(?!`)")
_OPEN_TAG = re.compile(
    r"<(answer|final_answer|response|python|code|solution|program|pre)(?:[ \t][^<>\n]{0,100})?>|^[ \t]*\[(BEGIN|PYTHON|ANSWER|CODE)\]"
    r"|\\begin\{(verbatim|lstlisting|minted)\}[^\n]*",
    re.MULTILINE | re.IGNORECASE,
)
_CODE_LINE = re.compile(
    r"(?:async def|def|class|global|nonlocal|raise|return|assert|lambda|del)\b(?![^\n(:=]*[a-z] [a-z]+ [a-z]+)|print\s*\(|try\s*:|else\s*:"
    r"|import [\w.]+(?: as \w+)?\s*(?:[,;#]|$)|from [\w.]+ import\b|(?:for|if|while|with|elif|async for|match)\b[^\n]*:"
    r"|@\w|#|\"\"\"|\'\'\'|[A-Za-z_][\w.]*(?:\[[^\]\n]*\])*\s*(?:[-+*/%&|^]|//|\*\*|<<|>>)?=(?!=)"
    r"|[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)+\s*=|[A-Za-z_]\w*\s*:\s*[\w\[\], .]+=|[A-Za-z_][\w.]*(?:\(|\[)|(?:pass|break|continue)\s*$"
)
_PROSE = re.compile(
    r"[A-Z][\w'’]*[,!:]?(?: [\w'’,()-]+){2,}.*|[A-Z][\w'’ ]*[:.!]\s*|[-*>] .*|#{2,} .*|\d+\. .*|\*\*.*"
    r"|[a-z][\w'’]*,?(?: [\w'’,-]+){2,}[^\n=()\[\]{}]*"
)
_UNSEEN = re.compile(r"^[\ufeff\u200b-\u200f\u2060]+", re.MULTILINE)
_LANGUAGE_LINE = re.compile(r"\s*(?:python3?|py)[ \t]*\n(?=[ \t]*\S)", re.IGNORECASE)
_ASKS = re.compile(
    r"^(?:\*\*)?(?:Question|Problem|Instruction|Exercise|Task|Example|Input|Human|User|Q)\b[ \d]*:(?:\*\*)?(?:[ \t]|$)",
    re.MULTILINE,
)
_TOP_LEVEL = re.compile(r"(?:def|class|import|from|async def|@|[A-Z_][A-Z0-9_]*\s*=)")


@dataclass(frozen=True)
class FoundProgram:
    """This record is a program and where it stood."""

    source: str
    tag: Tag


def find_program(text: str, entry_point: str | None = None) -> FoundProgram | None:
    """The program of a completion; None when there is none."""
    text = text[-2 * MAX_PROGRAM :].replace("\r\n", "\n")
    text = _unwrapped(_visible(text if text.isascii() else _UNSEEN.sub("", text)))
    text = _field(text) or text
    if _QUOTED_FENCE.search(text):
        text = _QUOTE.sub("", text)
    found = _fenced(text, entry_point) or _as_it_is(text)
    if found is None or not found.source.strip():
        return None
    return FoundProgram(_unescaped(found.source), found.tag)


def _visible(text: str) -> str:
    """The text after the last thinking block and before a chat marker; what a text of the program says is neither."""
    if not has_marks(text) and "<" not in text:
        return text
    if any(not _in_a_text(text, one) for one in re.finditer(r"<\|channel\|>", text)):
        text = final_channel(text)
    ends = [one for one in THINKING_END.finditer(text) if not _in_a_text(text, one)]
    text = text[ends[-1].end() :] if ends else text
    start = next((one for one in THINKING_START.finditer(text) if not _in_a_text(text, one)), None)
    text = text[: start.start()] if start else text
    parts, at = list[str](), 0
    for mark in _CHAT_MARK.finditer(text):
        if not _in_a_text(text, mark):
            parts.append(text[at : mark.start()])
            at = mark.end()
    return next((part for part in [*parts, text[at:]] if part.strip()), "")


def _field(text: str) -> str | None:
    """Return the program that a JSON object holds, where the whole completion is one."""
    whole = text.strip()
    if not (whole.startswith("{") and whole.endswith("}") and '"' in whole):
        return None
    try:
        found = json.loads(whole[:MAX_PROGRAM], strict=False)
    except (ValueError, RecursionError):
        return None
    fields = [found[name] for name in _FIELDS if isinstance(found.get(name), str)] if isinstance(found, dict) else []
    return fields[0] if fields and (FENCE.search(fields[0]) or _looks_like_code(fields[0])) else None


def _in_a_text(text: str, tag: re.Match[str]) -> bool:
    """Whether a quote or a comment stands before the tag on its line, and code could."""
    start = max((one.end() for one in FENCE.finditer(text, 0, tag.start())), default=0)
    if len(QUOTES.findall(text, start, tag.start())) % 2 == 1 and QUOTES.search(text, tag.end()):
        return True
    line = text[max(text.rfind("\n", 0, tag.start()) + 1, tag.start() - 1000) : tag.start()]
    return bool(_QUOTED_BEFORE.search(line)) and not re.search(r"[a-z]['’][a-z]", line)


def _unwrapped(text: str) -> str:
    """What the last pair of tags that holds something holds; the text without tags otherwise."""
    for tag in reversed(list(_OPEN_TAG.finditer(text))[-10:]):
        name = (tag[1] or tag[2] or tag[3]).lower()
        close = (
            f"</{name}>" if tag[1] else rf"\\end\{{{name}\}}" if tag[3] else r"\[/?(?:done|end|python|answer|code)\]"
        )
        end = re.compile(close, re.IGNORECASE).search(text, tag.end())
        content = text[tag.end() : end.start() if end else len(text)]
        if content.strip() and not _in_a_text(text, tag) and (FENCE.search(content) or _looks_like_code(content)):
            return content
    return text


def _unescaped(source: str) -> str:
    """A page's `&lt;` where no plain `<` or `>` stands in the whole program."""
    escaped = re.search(r"(?<![\"'])&(?:lt|gt|amp);", source)
    return html.unescape(source) if escaped and not re.search(r"[<>]", source) else source


def _fenced(text: str, entry_point: str | None) -> FoundProgram | None:
    marks = list(FENCE.finditer(text))
    if not marks:
        lines = list(ONE_LINE.finditer(text))
        return FoundProgram(lines[-1][1].strip(), "fence") if lines else None
    opened_before = len(marks) % 2 == 1 and not marks[0][3].strip() and _looks_like_code(text[: marks[0].start()])
    if opened_before:
        return FoundProgram(text[: marks[0].start()].strip("\n"), "open_fence")
    blocks = blocks_of(text)
    return FoundProgram(chosen(blocks, entry_point) if blocks else "", "fence")


def _looks_like_code(text: str) -> bool:
    first = next((line for line in text.split("\n") if line.strip()), "")
    return bool(first[:1].isspace() or _CODE_LINE.match(first)) and not _is_prose(first)


def _as_it_is(text: str) -> FoundProgram:
    """The lines from the first to the last that is not prose."""
    whole = text.strip()
    if len(whole) > 2 and whole[0] == whole[-1] == "`" and "`" not in whole[1:-1]:
        return FoundProgram(whole[1:-1], "text")
    lines = _without_language(text[:MAX_PROGRAM]).split("\n")
    first, last = 0, len(lines)
    while first < last and (not lines[first].strip() or _is_prose(lines[first])):
        first += 1
    lines = _until_asked("\n".join(lines[first:])).split("\n")
    first, last = 0, len(lines)
    while last > first and (not lines[last - 1].strip() or _is_prose(lines[last - 1])):
        last -= 1
    return FoundProgram("\n".join(lines[first:last]), "text")


def _without_language(text: str) -> str:
    """A fence's first line whose marks are lost."""
    line = _LANGUAGE_LINE.match(text)
    return text[line.end() :] if line else text


def _until_asked(text: str) -> str:
    """Return the text up to a heading under which the model goes on with another question; in a text over several lines there is none."""
    seen, quoted = 0, False
    for heading in _ASKS.finditer(text):
        quoted ^= len(QUOTES.findall(text, seen, heading.start())) % 2 == 1
        seen = heading.start()
        if not quoted and text.endswith("\n\n", 0, seen):
            return text[:seen]
    return text


def _is_prose(line: str) -> bool:
    return bool(_PROSE.fullmatch(line[:1000])) and not _CODE_LINE.match(line)


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
        return _after(prompt, program, entry_point)
    return f"{prompt.text}{body_of(program)}"


def assembled(program: str, tests: Mapping[str, Any]) -> str:
    """As `complete`, for what is known to be a program and not a model's text: nothing of it is cut off."""
    prompt = prompt_code(str(tests.get("prompt") or ""))
    if not prompt:
        return program
    first = next((line for line in program.split("\n") if line.strip()), "")
    if first[:1].isspace():
        return f"{prompt.text}{program}"
    if re.match(r"(?:return|yield)\b", first):
        return prompt.text + "\n".join(_indented(program.split("\n")))
    return _after(prompt, program, tests.get("entry_point"))


def _after(prompt: PromptCode, program: str, entry_point: Any) -> str:
    """The program after the prompt, whose stub of the entry point does not stay; imports from `__future__` come first of all."""
    lines = program.split("\n")
    future = [line for line in lines if line.startswith("from __future__")]
    rest = "\n".join(line for line in lines if not line.startswith("from __future__")) if future else program
    gone = f"\ndel {entry_point}" if entry_point in prompt.names else ""
    return "\n".join([*future, f"{prompt.closed}{gone}\n\n{rest}"])


def body_of(text: str) -> str:
    """Return the part of a completion that continues an indented function; helpers after it stay, chatter and calls go."""
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
    names: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.text)


@lru_cache(maxsize=4096)
def prompt_code(prompt: str) -> PromptCode:
    """The prompt of a code problem (data, not model output); empty when it is only words."""
    text = prompt if prompt.endswith("\n") or not prompt else f"{prompt}\n"
    for closed in (text, f"{text.rstrip()}\n    pass\n"):
        try:
            if text.strip() and (body := parsed(closed).body):
                defined = (node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef))
                return PromptCode(text, closed, frozenset(defined))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return PromptCode("", "")
