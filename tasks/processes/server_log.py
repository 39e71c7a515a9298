"""Reading a server's log for a person: the one line that says what went wrong."""

from __future__ import annotations

import re

# "ValueError: text" at the beginning of a line or behind vLLM's "...py:53] ", not quoted in the middle of a warning.
_ERROR = re.compile(r"(?:^|\] )(?P<name>(?:[a-z_]+\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt)): (?P<text>\S.*)")
# These only report another one.
_SECONDHAND = ("Engine core initialization failed", "WorkerProc initialization failed", "Executor failed")
_ARGUMENT = re.compile(r"error: (?P<text>(?:unrecognized|argument|the following|ambiguous).*)")


def ending(code: int, log: str) -> str:
    """How a program with this exit code and this log ended, as the rest of a sentence that begins with its name."""
    cause = _first_error(log)
    if cause:
        return f"ended with code {code}: {cause}"
    if code < 0:
        return f"was killed by signal {-code}" + (" (by the kernel, for want of memory?)" if code == -9 else "")
    return f"ended with code {code}, its log names no error"


def _first_error(log: str) -> str:
    """The first error line of `log` that names a cause."""
    for line in log.splitlines():
        found = _ERROR.search(line) or _ARGUMENT.search(line)
        if found and not any(phrase in line for phrase in _SECONDHAND):
            return found.group(0).removeprefix("] ")[:500]
    return ""
