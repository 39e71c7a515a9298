"""Fixtures that several test modules share."""

from __future__ import annotations

from tests.recorded_run import undisturbed

__all__ = ["undisturbed"]
