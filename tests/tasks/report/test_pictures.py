"""Pictures: legends lie off the data, nothing is drawn of zeros, and a colour means one thing on the whole page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tasks.domain.run_result import RunResult, Tally
from tasks.domain.statistics import Interval
from tasks.report import arm_charts
from tasks.report.figures import FIGURES, drawn
from tasks.report.svg import COLOURS, SHADES, STAGE_COLOURS
from tests.made_up_run import made_up_run
from tests.tasks.report.test_comparison import compared

ZERO = Interval(0.0, 0.0, 0.0)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every figure that is saved while the test runs."""
    saved, save = list[Figure](), Figure.savefig

    def kept(self: Figure, *arguments: Any, **more: Any) -> None:
        saved.append(self)
        save(self, *arguments, **more)

    monkeypatch.setattr(Figure, "savefig", kept)
    return saved


@pytest.mark.parametrize("policies", [2, 4, 6])
def test_legends_lie_off_the_data(figures: list[Figure], policies: int) -> None:
    list(drawn(made_up_run(tuple(0.4 + 0.03 * at for at in range(policies)))))
    list(arm_charts.pictures(compared()))
    legends = 0
    for figure in figures:
        figure.draw_without_rendering()
        for legend in [*figure.legends, *(one for axes in figure.axes if (one := axes.get_legend()))]:
            legends += 1
            box = legend.get_window_extent()
            assert not [axes for axes in figure.axes if box.overlaps(axes.get_window_extent())], figure
            assert figure.bbox.contains(box.x0 + 1, box.y0 + 1) and figure.bbox.contains(box.x1 - 1, box.y1 - 1)
    assert legends >= 11


def test_a_colour_means_one_thing_on_the_whole_page(figures: list[Figure]) -> None:
    list(drawn(made_up_run()))
    meanings: dict[str, list[set[str]]] = defaultdict(list)
    for figure in figures:
        for axes in figure.axes:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                meanings[_colour(handle)].append(set(label.replace(",", "").split()))
    assert set(meanings) >= {*COLOURS[:4], SHADES[-1], *list(STAGE_COLOURS.values())[:4]}
    for colour, labels in meanings.items():
        assert set.intersection(*labels), (colour, labels)
        policies = {frozenset(one) for one in labels if "iteration" in one}
        assert len(policies) <= 1, (colour, labels)


def _colour(handle: Any) -> str:
    first = handle[0] if isinstance(handle, tuple) else handle  # error bars and bars are containers
    return to_hex(first.get_facecolor()[:3] if hasattr(first, "get_facecolor") else first.get_color())


def test_an_arm_has_one_colour_in_every_picture(figures: list[Figure]) -> None:
    looks = [one.svg for one in arm_charts.pictures(compared())]
    assert all("var(--s2)" in one for one in looks)  # the second arm
    assert len(looks) == len(figures) == 5


def test_nothing_is_drawn_of_zeros() -> None:
    run = made_up_run()
    silent = replace(run, base=_zero(run, run.base), iterations=tuple(_zero(run, row) for row in run.iterations))
    assert [one.figure.name for one in drawn(silent)] == []
    few = replace(run, iterations=tuple(_readable(row) for row in run.iterations), base=_readable(run.base))
    assert FIGURES.get("format-failures").draw(few) is None
    assert len(list(drawn(run))) == 9


def _zero(run: RunResult, row: Any) -> Any:
    test = replace(
        row.test, greedy=ZERO, sampled=ZERO, pass_at_k=dict.fromkeys(row.test.pass_at_k, ZERO), maj_at_k=dict.fromkeys(row.test.maj_at_k, ZERO),
        greedy_tally=Tally(), sampled_tally=Tally(), sampled_outcomes={}, by_level={},
    )  # fmt: skip
    return replace(row, test=test, val_reward=ZERO, train_accuracy=ZERO, train=Tally(), selection=None, seconds={},
                   epochs=tuple(replace(one, val_reward=ZERO) for one in row.epochs))  # fmt: skip


def _readable(row: Any) -> Any:
    plain = {"greedy_tally": replace(row.test.greedy_tally, labels={"correct": 120}, truncated=0),
             "sampled_tally": replace(row.test.sampled_tally, labels={"correct": 1920}, truncated=0)}  # fmt: skip
    return replace(row, test=replace(row.test, **plain))
