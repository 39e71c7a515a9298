"""Checks every cell of a comparison before the first one starts, reading what they share once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flows.checks.method_check import check_method
from flows.comparison.design import Cell
from flows.config import RunConfig
from flows.run.preflight import Checked, as_decided_here, preflight, workspace_of

# what cells may differ in without another check: where results go, how rows are chosen, and seeds
UNCHECKED = {"run": ("name", "preset"), "finetune": ("seed",)}


@dataclass(frozen=True)
class CheckedCell:
    """A cell whose config passed every check."""

    cell: Cell
    checked: Checked


def checked_cells(cells: Sequence[Cell], *, looking: bool = False, first: Checked | None = None) -> list[CheckedCell]:
    """Check the cells; UserError for the first fault. With `looking` nothing is written or fetched.

    `first` is the first cell as it was checked before.
    """
    known = {_what_is_checked(cells[0].config): first} if first is not None else {}
    return [CheckedCell(cell, _checked(cell, known, looking)) for cell in cells]


def _checked(cell: Cell, known: dict[str, Checked], looking: bool) -> Checked:
    alike = _what_is_checked(cell.config)
    if alike not in known:
        known[alike] = preflight(cell.config, looking=looking)
        return known[alike]
    before = known[alike]
    if before.config.run.name == cell.config.run.name:
        return before
    config = as_decided_here(cell.config, before.base)
    check_method(config, before.sets.problems["train"], before.base)
    return replace(before, config=config, workspace=workspace_of(config))


def _what_is_checked(config: RunConfig) -> str:
    """Return what decides about the checks; a hint is part of the prompts that a model is looked at with."""
    tree = config.model_dump(mode="json", exclude={"loop", "materialize"}) | {"hint": config.loop.hint}
    for section, names in UNCHECKED.items():
        for name in names:
            tree[section].pop(name)
    return json.dumps(tree, sort_keys=True)
