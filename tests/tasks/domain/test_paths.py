"""RFT's distinct paths: the authors' rule worked by hand, and the distance it rests on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.paths import edit_distance, one_per_path


def by_table(first: str, second: str) -> int:
    """The Levenshtein distance from its definition."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        above, row = row, [i]
        for j, b in enumerate(second, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


@given(st.text("ab1=", max_size=40), st.text("ab1=", max_size=40))
def test_the_distance_is_levenshteins(first: str, second: str) -> None:
    assert edit_distance(first, second) == by_table(first, second)


def kept(*texts: str) -> list[str]:
    return one_per_path(texts, str)


def test_one_solution_stays_for_each_list_of_equations() -> None:
    assert len(kept("2+3=5 so 5", "so 5: 2+3=5", "3+2=5 so 5")) == 2


def test_order_and_results_tell_paths_apart_and_spaces_do_not() -> None:
    assert kept("2 + 3 = 5", "2+3=5") == ["2 + 3 = 5"], (
        "spaces are no difference, and at equal distance the first stays"
    )
    assert len(kept("1+1=2, 2+2=4", "2+2=4, 1+1=2")) == 2, "the order of equations matters"
    assert len(kept("2+3=5", "2+3=6")) == 2, "results belong to the list"


def test_a_later_solution_wins_only_when_it_is_farther_from_the_others() -> None:
    """By hand: the other path is `3+2=5`, from which `2+3=5` is 2 edits away and `a 2+3=5` 4."""
    near, far, other = "2+3=5", "a 2+3=5", "3+2=5"
    assert kept(other, near, far) == [other, far], "4 > 2: the later one wins"
    assert kept(other, far, near) == [other, far], "2 < 4: the earlier one stays"
    assert kept(near, far) == [near], "without others both sums are 0, so the first stays"


def test_solutions_without_equations_share_one_path() -> None:
    assert kept("five", "it is five", "2+3=5") == ["five", "2+3=5"]
