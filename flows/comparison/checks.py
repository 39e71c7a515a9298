"""Checks every cell of a comparison before the first one starts, reading what they share once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from flows.comparison.design import Cell
from flows.config import RunConfig
from flows.run.preflight import Checked, preflight, with_engine_at_hand, workspace_of

# what cells may differ in without another check: where results go, how rows are chosen, and seeds
UNCHECKED = {"run": ("name", "preset"), "finetune": ("seed",)}


@dataclass(frozen=True)
class CheckedCell:
    """A cell whose config passed every check."""

    cell: Cell
    checked: Checked


def checked_cells(cells: Iterable[Cell], *, looking: bool = False) -> list[CheckedCell]:
    """Check the cells; UserError for the first fault. With `looking` nothing is written or fetched."""
    known: dict[str, Checked] = {}
    return [CheckedCell(cell, _checked(cell, known, looking)) for cell in cells]


def _checked(cell: Cell, known: dict[str, Checked], looking: bool) -> Checked:
    alike = _what_is_checked(cell.config)
    if alike not in known:
        known[alike] = preflight(cell.config, looking=looking)
        return known[alike]
    return replace(known[alike], config=with_engine_at_hand(cell.config), workspace=workspace_of(cell.config))


def _what_is_checked(config: RunConfig) -> str:
    tree = config.model_dump(mode="json", exclude={"loop", "materialize"})
    for section, names in UNCHECKED.items():
        for name in names:
            tree[section].pop(name)
    return json.dumps(tree, sort_keys=True)
