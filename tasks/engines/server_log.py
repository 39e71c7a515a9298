"""Reading a server's log for a person: the one line that says what went wrong."""

from __future__ import annotations

import re

# "ValueError: text" at the beginning of a line or behind vLLM's "...py:53] ", not quoted in the middle of a warning.
_ERROR = re.compile(r"(?:^|\] )(?P<name>(?:[a-z_]+\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt)): (?P<text>\S.*)")
# These only report another one.
_SECONDHAND = ("Engine core initialization failed", "WorkerProc initialization failed", "Executor failed")
_ARGUMENT = re.compile(r"error: (?P<text>(?:unrecognized|argument|the following|ambiguous).*)")


def first_error(log: str) -> str:
    """The first error line of `log` that names a cause, else its last line."""
    for line in log.splitlines():
        found = _ERROR.search(line) or _ARGUMENT.search(line)
        if found and not any(phrase in line for phrase in _SECONDHAND):
            return found.group(0).removeprefix("] ")[:500]
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1][:500] if lines else "its log is empty"
