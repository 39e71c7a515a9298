"""The page on what counts as equal says what the code does."""

from __future__ import annotations

from pathlib import Path

from tasks.domain.equivalence.decide import equivalent
from tasks.domain.equivalence.parsing import tokens
from tests.tasks.domain.rewards.test_math_fuzz import ONE_SIDED

PAGE = (Path(__file__).resolve().parents[4] / "docs/math-rewards.md").read_text()


def test_every_one_sided_rule_is_in_the_table() -> None:
    table = PAGE.split("## Where equality is one-sided")[1].split("##")[0]
    assert [rule for rule in sorted(ONE_SIDED) if f"`{rule}`" not in table] == []


def test_the_limits_are_those_of_the_code() -> None:
    for limit in (tokens.MAX_CHARACTERS, tokens.MAX_TOKENS, tokens.MAX_DIGITS, tokens.MAX_DEPTH):
        assert f"{limit:,}" in PAGE


def test_examples_of_the_table_hold() -> None:
    """Gold and answer from one cell each: first against second backticked text."""
    for gold, answer in (
        (r"\sqrt{12}", r"2\sqrt3"),
        ("y=2x+1", "2x-y+1=0"),
        ("1011_2", "1011"),
        (r"\pm2", "2, -2"),
        ("180 minutes", "3 hours"),
    ):
        assert equivalent(gold, answer)[0]
    for gold, answer in (
        ("5 cm", "5 m"),
        ("(1,2)", "[1,2]"),
        ("|x|", "x"),
        ("1011_2", "11"),
        ("x=5", "y=5"),
        ("10000", "9999.857"),
    ):
        assert not equivalent(gold, answer)[0]
