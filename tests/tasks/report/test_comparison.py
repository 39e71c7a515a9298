"""The page of a comparison: safe, complete at every stage, and the same tables in markdown."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from tasks.domain.arms import ComparisonResult, with_shared_seconds
from tasks.report import arm_charts
from tasks.report.comparison import comparison_html, comparison_markdown, comparison_sections
from tasks.report.section import section
from tests.made_up_run import HOSTILE, made_up_run

NAMES = {"rest_em": 0.62, "raft": 0.55, "unfiltered": 0.4}


def compared(seeds: tuple[int, ...] = (1, 2), **changes) -> ComparisonResult:  # type: ignore[no-untyped-def]
    arms = {name: {seed: made_up_run((0.45, skill + 0.02 * seed)) for seed in seeds} for name, skill in NAMES.items()}
    return replace(ComparisonResult("made-up", "rest_em", "greedy", "Budget: none.", 6, arms), **changes)


def test_every_table_stands_on_the_page_and_in_the_markdown() -> None:
    result, further = compared(), [section("Further", ("a",), [("b",)], "How to read it.")]
    page, text = comparison_html(result, further), comparison_markdown(result, further)
    for title in (
        "Arms",
        "Minus rest_em",
        "greedy pass@1 by round",
        "Spent",
        "Minimal detectable effect",
        "Further",
        "Runs",
    ):
        assert f"<h2>{title}</h2>" in page
        assert f"## {title}".replace("_", "\\_") in text
    assert result.status == "completed"


def test_the_page_runs_nothing_and_hostile_text_stays_text() -> None:
    page = comparison_html(compared(name=HOSTILE, failures={("raft", 1): HOSTILE}, notes=(HOSTILE,)))
    assert "<script" not in page and "<img" not in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize("seeds", [(), (1,), (1, 2)])
def test_a_comparison_can_be_shown_at_every_stage(seeds: tuple[int, ...]) -> None:
    result = compared(seeds)
    assert "<h1>made-up" in comparison_html(result)
    assert comparison_markdown(result).startswith("# made-up: ")
    assert all(one.head or one.reading for one in comparison_sections(result))
    bare = {
        name: {seed: replace(run, iterations=()) for seed, run in runs.items()} for name, runs in result.arms.items()
    }
    assert comparison_markdown(replace(result, arms=bare))


def test_pictures_are_well_formed_and_the_same_every_time() -> None:
    result = compared()
    pictures = list(arm_charts.pictures(result))
    assert len(pictures) == 5
    for one, again in zip(pictures, arm_charts.pictures(result), strict=True):
        ET.fromstring(one.svg.replace("xlink:href", "href"))
        assert one == again


def test_samples_that_arms_share_cost_each_of_them_what_the_first_took() -> None:
    first = made_up_run((0.45, 0.6))
    row = first.iterations[0]
    shared = replace(first, iterations=(replace(row, seconds={**row.seconds, "E-step": 0.2}),))
    other = replace(first, iterations=(replace(row, train=replace(row.train, samples=7), seconds={"E-step": 3.0}),))
    arms = with_shared_seconds({"a": {1: first}, "b": {1: shared}, "c": {1: other}, "d": {2: shared}})
    assert arms["b"][1].iterations[0].seconds["E-step"] == row.seconds["E-step"]
    assert (arms["c"][1].iterations[0].seconds["E-step"], arms["d"][2].iterations[0].seconds["E-step"]) == (3.0, 0.2)
