"""Tables as text: nothing is wider than the width, nothing is lost, and a pipe gets one line a row."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.cli.text import section_text
from tasks.domain.totals import totals_of
from tasks.report import as_table
from tasks.report.comparison import comparison_sections
from tasks.report.layout import GAP, NARROWEST, grid, laid_out
from tests.command import restem
from tests.made_up_run import made_up_run
from tests.tasks.report.test_comparison import compared

WORD = st.text("abcdefgh0123456789%[]", min_size=1, max_size=12)
CELL = st.lists(WORD, min_size=1, max_size=3).map(tuple)


@st.composite
def grids(draw):  # type: ignore[no-untyped-def]
    count = draw(st.integers(1, 9))
    head = [" ".join(draw(st.lists(WORD, min_size=1, max_size=3))) for _ in range(count)]
    return grid(head, draw(st.lists(st.lists(CELL, min_size=count, max_size=count), min_size=0, max_size=4)))


@given(grids(), st.integers(1, 200))
def test_no_line_is_wider_than_the_width_and_no_word_is_lost(shown, width: int) -> None:  # type: ignore[no-untyped-def]
    text = laid_out(shown, width)
    assert max(map(len, text.splitlines())) <= max(width, NARROWEST)
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    letters = re.sub(r"\s", "", text)
    for row in shown.rows:
        for cell in row:
            assert all(len(word) > width // 2 - len(GAP) or word in letters for word in cell)


@given(grids())
def test_a_pipe_gets_one_line_a_row_without_padding(shown) -> None:  # type: ignore[no-untyped-def]
    lines = laid_out(shown).splitlines()
    assert len(lines) == 1 + len(shown.rows)
    assert not [line for line in lines if line != line.rstrip()]


@pytest.mark.parametrize("width", [80, 100, 132])
def test_the_tables_of_a_run_fit_a_terminal(width: int) -> None:
    text = as_table(made_up_run(), width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count("iteration 3") == 2  # two blocks hold it all


def test_a_pipe_has_a_line_for_each_policy_in_each_table() -> None:
    lines = as_table(made_up_run()).splitlines()
    assert [len(re.findall(rf"^{name}\s", "\n".join(lines), flags=re.M)) for name in ("base", "iteration 1")] == [2, 2]
    assert not [line for line in lines if line != line.rstrip()]


def test_the_tables_of_a_comparison_fit_a_terminal() -> None:
    for one in comparison_sections(compared()):
        assert max(map(len, section_text(one, 80).splitlines())) <= 80, one.title


def test_totals_add_up_and_a_price_gives_a_cost() -> None:
    run = made_up_run()
    found = totals_of(run)
    assert found.seconds == pytest.approx(sum(sum(row.seconds.values()) for row in run.rows))
    assert found.device_seconds == found.seconds  # of results that did not note devices
    assert found.accepted == sum(row.kept_examples for row in run.iterations)
    assert "cost" not in as_table(run).replace("costs", "")
    priced = replace(run, config={"run": {"price_per_device_hour": 2.5}})
    assert totals_of(priced).cost == pytest.approx(2.5 * found.seconds / 3600)
    assert f"{totals_of(priced).cost_per_row:.2g} cost per accepted row" in as_table(priced)


def test_the_command_fits_80_columns_and_a_pipe_gets_whole_rows(tmp_path: Path) -> None:
    """The real command on a stored result, piped: COLUMNS is honoured, and without it nothing is padded or wrapped."""
    folder = tmp_path / "store" / "runs" / "made-up"
    folder.mkdir(parents=True)
    result = made_up_run()
    (folder / "result.json").write_text(json.dumps(result.to_json()))
    (folder / "config.json").write_text(json.dumps(dict(result.config)))
    given_width = restem("report", "made-up", "--store", str(tmp_path / "store"), environment={"COLUMNS": "80"})
    *table, address = given_width.stdout.splitlines()
    assert max(map(len, table)) <= 80 and address.startswith("report: ")
    piped = restem("report", "made-up", "--store", str(tmp_path / "store"), environment={"COLUMNS": ""})
    assert sum(line.startswith("iteration 2 ") for line in piped.stdout.splitlines()) == 2
    assert not [line for line in piped.stdout.splitlines() if line != line.rstrip()]
