"""Exceptions of the program in the tests' process, and how they are told from those of the tests."""

from __future__ import annotations

from typing import Any

MAX_TEXT = 500


class ProgramEnded(BaseException):
    """The program's process is gone; no `except Exception` of a test may hide that."""


class ProgramError(Exception):
    """What the program raised, where no built-in class tells."""


def said(error: Any) -> str:
    """How an exception of the program prints; one that a test made prints as usual."""
    text = error.__dict__.get("_restem_said")
    return text if isinstance(text, str) else Exception.__str__(error)


def marked(error: Exception, text: str) -> Exception:
    error._restem_raised = text  # type: ignore[attr-defined]
    return error


def text_of(error: BaseException) -> str:
    """The last line of its traceback, shortened."""
    text = getattr(error, "_restem_raised", None)
    if not isinstance(text, str):
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text.strip()[-MAX_TEXT:]
