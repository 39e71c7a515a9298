"""Drawings of matplotlib as SVG text that takes its colours from the page (CSS variables), so that one picture suits light and dark.

On the whole page a colour means one thing: what was measured (`GREEDY`, `SAMPLED`, `VAL`, `TRAIN`), a policy (`SHADES`, the last one
the strongest; the base is grey), or a stage.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.report.colours import light_colours

SERIES = 6
INK, MUTED, GRID, CARD = (
    "#0a0b01",
    "#0a0b02",
    "#0a0b03",
    "#0a0b04",
)  # stand-ins: no drawing uses these colours otherwise
COLOURS = tuple(f"#0a0c0{number}" for number in range(1, SERIES + 1))
GREEDY, SAMPLED, VAL, TRAIN = COLOURS[:4]
SHADES = tuple(f"#0a0d0{number}" for number in range(1, 7))  # of the policies
STAGES = ("E-step", "materialize", "M-step", "evaluate", "other")
STAGE_COLOURS = dict(zip(STAGES, (f"#0a0e0{number}" for number in range(1, 6)), strict=True))
VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--grid", CARD: "--card"} | {
    colour: f"--{name}{number}"
    for name, colours in (("s", COLOURS), ("p", SHADES), ("t", STAGE_COLOURS.values()))
    for number, colour in enumerate(colours, start=1)
}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.size": 9, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": MUTED,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "grid.color": GRID,
    "axes.grid": True, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none", "legend.edgecolor": "none", "legend.facecolor": CARD, "legend.framealpha": 0.75,
    "axes.titlesize": 9.5, "axes.titlelocation": "left", "axes.titleweight": "bold", "grid.linewidth": 0.6,
    "lines.linewidth": 1.6, "lines.markersize": 5, "text.parse_math": False,
}  # fmt: skip


class Svg(str):
    """The text of a picture that remembers its figure, so that it can become an image as well."""

    figure: Any


@dataclass(frozen=True)
class Png:
    """An image in the page's light colours, and its size in pixels."""

    data: bytes
    width: int
    height: int


def as_svg(draw: Callable[[Any], None], size: tuple[float, float], salt: str, columns: int = 1) -> str:
    """Runs `draw` on one axes (or an array of `columns`) and returns the picture as an <svg> element."""
    import matplotlib
    from matplotlib.figure import Figure

    text = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots(1, columns))
        figure.savefig(text, format="svg", metadata={"Date": None})
    made = Svg(_themed(text.getvalue()))
    made.figure = figure
    return made


def as_png(svg: str, dpi: int = 110) -> Png | None:
    """Return a picture of `as_svg` as an image; None for a text that another package wrote."""
    if not isinstance(svg, Svg):
        return None
    data, colours = io.BytesIO(), {stand_in: light_colours()[name] for stand_in, name in VARIABLES.items()}
    for artist in svg.figure.findobj():
        _recolour(artist, colours)
    svg.figure.savefig(data, format="png", dpi=dpi, facecolor="white")
    width, height = svg.figure.get_size_inches() * dpi
    return Png(data.getvalue(), round(width), round(height))


def _recolour(artist: Any, colours: Mapping[str, str]) -> None:
    """Give an artist real colours in the place of stand-ins."""
    from matplotlib.colors import to_hex, to_rgba

    for name in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
        read, write = getattr(artist, f"get_{name}", None), getattr(artist, f"set_{name}", None)
        if read is None or write is None:
            continue
        given = read()
        many = given if getattr(given, "ndim", 1) == 2 else [given]  # collections have a row for each part
        known = [one for one in many if not (isinstance(one, str) and one in ("none", "auto"))]
        found = [to_rgba(colours[to_hex(one)], to_rgba(one)[3]) for one in known if to_hex(one) in colours]
        if found and len(found) == len(many):
            write(found if len(found) > 1 else found[0])


def _themed(svg: str) -> str:
    """Return only the svg element, in the page's colours and font, scaling with the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)  # repeated in every picture; nothing refers to them
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", svg)
    svg = re.sub(r'width="([\d.]+)pt" height="[\d.]+pt"', r'role="img" style="max-width: \1pt"', svg, count=1)
    return re.sub("|".join(VARIABLES), lambda match: f"var({VARIABLES[match.group()]})", svg)
