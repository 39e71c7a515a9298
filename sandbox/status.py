"""How an execution ended, and what a program is worth.

An `Ending` is what the sandbox saw. A `Status` is what a checker makes of an ending and the output: AC and WA need
expected outputs, which the sandbox never sees. INFRA says nothing about the program: it is never a wrong answer.
"""

from __future__ import annotations

from enum import StrEnum


class Ending(StrEnum):
    """How one execution ended."""

    OK = "OK"  # exit code 0 within the limits; says nothing about the output
    TLE = "TLE"  # CPU time
    IDLE = "IDLE"  # wall time without CPU time
    MLE = "MLE"  # memory
    OLE = "OLE"  # output
    RE = "RE"  # exit code other than 0, a signal, an uncaught exception, a failing atexit callback
    CE = "CE"  # the source does not compile
    SECURITY = "SECURITY"  # killed by the system call filter
    HOSTILE = "HOSTILE"  # broke the protocol or its container, on fresh containers too
    INFRA = "INFRA"  # the sandbox failed, not the program


class Status(StrEnum):
    """What a program is worth: accepted, wrong answer, or the ending that kept it from answering."""

    AC = "AC"
    WA = "WA"
    TLE = "TLE"
    IDLE = "IDLE"
    MLE = "MLE"
    OLE = "OLE"
    RE = "RE"
    CE = "CE"
    SECURITY = "SECURITY"
    HOSTILE = "HOSTILE"
    INFRA = "INFRA"
