"""Finds in a server's log the line that tells a person what went wrong."""

from __future__ import annotations

import itertools
import re

# "ValueError: text" at the beginning of a line or behind vLLM's "...py:53] ", not quoted in the middle of a warning.
_ERROR = re.compile(r"(?:^|\] )(?P<name>(?:[a-z_]+\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt)):(?P<text>.*)")
# These only report another one.
_SECONDHAND = ("Engine core initialization failed", "WorkerProc initialization failed", "Executor failed")
# What stands before a line's own text: "(APIServer pid=7) ERROR 11-25 21:37:07 [core.py:53] ".
_HEAD = re.compile(r"^(?:\([^)]*\) )*(?:[A-Z]+ [\d-]+ [\d:]+ \[[^\]]*\] )?")
_ARGUMENT = re.compile(r"error: (?P<text>(?:unrecognized|argument|the following|ambiguous).*)")


def ending(code: int, log: str) -> str:
    """Say how a program with this exit code and this log ended, as the rest of a sentence that begins with its name."""
    cause = _first_error(log)
    if cause:
        return f"ended with code {code}: {cause}"
    if code < 0:
        return f"was killed by signal {-code}" + (" (by the kernel, for want of memory?)" if code == -9 else "")
    return f"ended with code {code}, its log names no error"


def _first_error(log: str) -> str:
    """The first error of `log` that names a cause, with the lines that belong to its message."""
    lines = log.splitlines()
    for at, line in enumerate(lines):
        found = _ERROR.search(line) or _ARGUMENT.search(line)
        if found and not any(phrase in line for phrase in _SECONDHAND):
            words = " ".join([found.group(0).removeprefix("] "), *_continued(lines[at + 1 :], found)])
            return " ".join(words.split())[:500]
    return ""


def _continued(lines: list[str], error: re.Match[str]) -> list[str]:
    """The rest of a message: indented lines (as pydantic writes), or the next one where the headline says nothing."""
    rest = [_HEAD.sub("", line) for line in lines]
    indented = list(itertools.takewhile(lambda line: line.startswith("  ") and "File " not in line, rest))
    return indented or ([] if error["text"].strip() else [line for line in rest if line.strip()][:1])
