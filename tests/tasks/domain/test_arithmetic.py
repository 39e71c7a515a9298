"""Built-in problems: disjoint splits, reproducible streams, and solutions with a misconception."""

import itertools
import random

import pytest

from tasks.domain.arithmetic import (
    ARITHMETIC_SPLITS,
    LEVELS,
    Expression,
    debts,
    drawn,
    expressions,
    slipped_solution,
    solution,
    split_of,
)


def first(split: str, count: int, seed: int = 0, levels: tuple[str, ...] = LEVELS) -> list[Expression]:
    return list(itertools.islice(expressions(split, seed, levels), count))


@pytest.mark.parametrize("split, other", list(itertools.combinations(ARITHMETIC_SPLITS, 2)))
def test_no_operands_of_one_split_stand_in_another(split: str, other: str) -> None:
    def operands(name: str) -> set[tuple[int, int]]:
        return {(min(e.a, e.b), max(e.a, e.b)) for seed in (0, 1) for e in first(name, 3000, seed)}

    assert not operands(split) & operands(other)


def test_swapped_operands_belong_to_the_same_split() -> None:
    assert all(split_of(e.a, e.b) == split_of(e.b, e.a) == "test" for e in first("test", 500))


def test_the_same_split_and_seed_give_the_same_stream() -> None:
    assert first("train", 200, seed=3) == first("train", 200, seed=3)


def test_a_longer_stream_begins_with_the_shorter_one() -> None:
    assert first("train", 300)[:100] == first("train", 100)


def test_another_seed_gives_other_problems() -> None:
    common = set(first("train", 200, seed=0)) & set(first("train", 200, seed=1))
    assert len(common) < 10


def test_expressions_are_distinct() -> None:
    questions = [e.question for e in first("test", 2000)]
    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize("level", LEVELS)
def test_the_level_is_the_number_of_carries_or_borrows(level: str) -> None:
    asked: list[bool] = []

    def remembers() -> bool:
        asked.append(True)
        return False

    for expression in first("train", 100, levels=(level,)):
        asked.clear()
        solution(expression, remembers)
        assert len(asked) == debts(expression.a, expression.operator, expression.b) == int(level)


def test_a_solution_without_slips_ends_in_the_gold() -> None:
    assert all(solution(e).endswith(f"\n#### {e.gold}") for e in first("val", 1000))


def test_each_column_of_a_solution_holds_as_written() -> None:
    for expression in itertools.islice(drawn("pretrain"), 500):
        for line in slipped_solution(expression, random.Random(1)).splitlines()[:-1]:
            left, right = line.split("=")
            assert eval(left) == int(right)  # digits, + and - only


def test_a_forgotten_carry_or_borrow_makes_the_answer_wrong() -> None:
    for expression in first("val", 300, levels=("1", "2")):
        assert not solution(expression, lambda: True).endswith(f"#### {expression.gold}")


def test_the_worked_example_of_the_docstring() -> None:
    assert solution(Expression(478, "+", 285, "2")) == "8+5=13\n7+8+1=16\n4+2+1=7\n#### 763"
    assert solution(Expression(478, "+", 285, "2"), lambda: True) == "8+5=13\n7+8=15\n4+2=6\n#### 653"
    assert solution(Expression(611, "-", 262, "2")) == "11-2=9\n11-6-1=4\n6-2-1=3\n#### 349"


def test_most_carries_are_forgotten_in_slipped_solutions() -> None:
    rng = random.Random(0)
    once = first("pretrain", 1000, levels=("1",))
    right = sum(slipped_solution(e, rng).endswith(f"#### {e.gold}") for e in once)
    assert 330 < right < 470  # 400 expected, five standard deviations are 77


def test_no_slips_at_a_slip_share_of_zero() -> None:
    rng = random.Random(0)
    assert all(slipped_solution(e, rng, 0.0) == solution(e) for e in first("pretrain", 200))
