"""Reading a server's log for a person: the one line that says what went wrong."""

from __future__ import annotations

import re

# "ValueError: text", also behind vLLM's prefixes; not the errors that only report another one.
_ERROR = re.compile(r"\b((?:[a-z_]+\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt)): (?P<text>\S.*)")
_SECONDHAND = ("Engine core initialization failed", "WorkerProc initialization failed", "Executor failed")
_ARGUMENT = re.compile(r"error: (?P<text>(?:unrecognized|argument|the following|ambiguous).*)")


def first_error(log: str) -> str:
    """The first error line of `log` that names a cause, else its last line."""
    for line in log.splitlines():
        found = _ERROR.search(line) or _ARGUMENT.search(line)
        if found and not any(phrase in line for phrase in _SECONDHAND):
            return found.group(0)[:500]
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1][:500] if lines else "its log is empty"
