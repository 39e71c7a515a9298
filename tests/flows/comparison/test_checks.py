"""The cells of a comparison share their checks, and each still gets what this machine decides and what its method needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.comparison import checks
from flows.comparison.checks import checked_cells
from flows.comparison.design import Comparison, comparison_of
from flows.run.preflight import preflight
from tasks.domain.errors import UserError
from tests.rig import small_config, tiny_base


def comparison(folder: Path, arms: dict[str, Any], **sections: Any) -> Comparison:
    """Arms with two seeds on a tiny base, answered from recorded samples."""
    (folder / "recorded").mkdir()
    config = small_config(folder, tiny_base(folder / "base"), **sections)
    tree = config.model_dump(mode="json", exclude={"loop", "materialize"})
    tree["run"] = {name: tree["run"][name] for name in ("store", "scratch")}
    tree["compare"] = {"arms": list(arms), "seeds": [1, 2], "rounds": 1}
    return comparison_of({**tree, "arms": arms}, "c.toml", folder)


def test_what_the_machine_decides_is_decided_for_every_cell(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"rest_em": {}, "unfiltered": {}}, finetune={"dtype": "machine"})
    found = {one.checked.config.finetune.dtype for one in checked_cells(made.cells, looking=True)}
    assert len(found) == 1 and "machine" not in found
    assert len({one.checked.workspace.run for one in checked_cells(made.cells, looking=True)}) == 4


def test_a_method_that_lacks_something_is_refused_though_another_arm_passed_alike(tmp_path: Path) -> None:
    """The second arm differs only in how rows are chosen, and wants solutions by people that nobody wrote."""
    people = {"materialize": {"human": "first"}, "method": "rest_em"}
    made = comparison(tmp_path, {"rest_em": {}, "with_people": people})
    bare = list(checked_cells(made.only(["rest_em"]), looking=True))
    for problem in bare[0].checked.sets.problems["train"]:
        problem.meta.pop("solution", None)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="solutions by people, but none of the 24"):
        checked_cells(made.cells, looking=True, first=bare[0].checked)


def test_a_cell_that_was_checked_is_not_checked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = comparison(tmp_path, {"rest_em": {}, "unfiltered": {}})
    first = preflight(made.cells[0].config, looking=True)
    calls: list[str] = []
    monkeypatch.setattr(checks, "preflight", lambda config, looking: calls.append(config.run.name))
    cells = checked_cells(made.cells, looking=True, first=first)
    assert not calls
    assert [one.checked.config.run.name for one in cells] == [cell.config.run.name for cell in made.cells]
