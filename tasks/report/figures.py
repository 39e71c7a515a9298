"""Defines a figure of a run's report, and lists all figures: those of tasks/report, and entry points `restem.figures`.

A figure draws a `RunResult` as SVG text (`tasks.report.svg.as_svg` does it with matplotlib) or None while there is
nothing to draw. The modules that declare figures are imported whenever a page is written, so a figure imports what it draws
with inside its own function.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tasks.domain.errors import UserError
from tasks.domain.registry import Registry
from tasks.domain.run_result import RunResult

log = logging.getLogger("restem")

LAST = 1000
Draw = Callable[[RunResult], str | None]


@dataclass(frozen=True)
class Figure:
    """One picture of the page. A `wide` one takes the whole width; `shown` is its caption in the Prefect interface, and an empty
    caption keeps it out of there.

    `place` orders the figures; those without a place come last.
    """

    name: str
    draw: Draw
    caption: str
    wide: bool = False
    shown: str = ""
    place: int = LAST


@dataclass(frozen=True)
class Drawn:
    """This record is a figure and its picture."""

    figure: Figure
    svg: str


_latest: tuple[RunResult, tuple[Drawn, ...]] | None = None  # what was drawn last
FIGURES: Registry[Figure] = Registry("figure", sign="figure", folder="tasks.report", group="restem.figures")


def figure(
    name: str, *, caption: str, wide: bool = False, shown: str = "", place: int = LAST
) -> Callable[[Draw], Figure]:
    """Decorator: declare the function below as a figure."""

    def declare(draw: Draw) -> Figure:
        return FIGURES.add(name, Figure(name, draw, caption, wide, shown, place))

    return declare


def drawn(result: RunResult) -> tuple[Drawn, ...]:
    """Return, in order, every figure for which the run holds data. The page and the interface show the same: it is drawn once."""
    global _latest
    if _latest is None or _latest[0] is not result:
        figures = sorted(_figures(), key=lambda one: one.place)
        _latest = (result, tuple(Drawn(one, svg) for one in figures if (svg := _picture(one, result))))
    return _latest[1]


def _figures() -> Iterator[Figure]:
    """Return our figures, and those of other packages that can be loaded: a broken one must not cost a run its report."""
    yield from map(FIGURES.get, FIGURES.built_in)
    for name in FIGURES.names()[len(FIGURES.built_in) :]:
        try:
            yield FIGURES.get(name)
        except UserError as error:
            log.warning("%s", error)


def _picture(one: Figure, result: RunResult) -> str | None:
    if one.name in FIGURES.built_in:
        return one.draw(result)
    try:
        return one.draw(result)
    except Exception as error:  # noqa: BLE001  boundary: the code of another package may raise anything
        log.warning(
            "figure %s of another package failed and is left out: %s: %s", one.name, type(error).__name__, error
        )
        return None
