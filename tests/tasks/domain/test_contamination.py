"""Overlap of test with train by runs of words: what is found, what is a data set's phrase, and when a run refuses to start."""

from __future__ import annotations

import pytest

from tasks.data.problems import read_sets
from tasks.domain.contamination import COMMON, check_contamination, overlaps
from tasks.domain.errors import UserError
from tasks.domain.schema import Problem
from tasks.domain.settings import DataSettings

STORY = "Maria has twelve red apples and gives five of them to her brother who lives next door"


def problem(name: str, question: str, split: str = "train") -> Problem:
    return Problem(name, "made", split, "math", question, "7")  # type: ignore[arg-type]


def test_the_same_story_with_other_words_around_it_is_found_whatever_its_case_and_punctuation() -> None:
    train = [problem("a", "How many are left?"), problem("b", f"Yesterday: {STORY}. How many?")]
    test = [problem("t", f"{STORY.upper()}! What remains?", "test"), problem("u", "Tom has 3 pears.", "test")]
    (hit,) = overlaps(train, test)
    assert (hit.test_id, hit.train_id) == ("t", "b")
    assert hit.words.startswith("maria has twelve red apples")


def test_twelve_shared_words_are_no_overlap_and_a_short_question_counts_as_a_whole() -> None:
    words = STORY.split()
    train = [problem("a", " ".join([*words[:12], "but", "not", "more"])), problem("b", "What is 3 + 4?")]
    test = [problem("t", " ".join([*words[:12], "and", "then", "some"]), "test"), problem("u", "what is 3+4", "test")]
    assert [hit.test_id for hit in overlaps(train, test)] == ["u"]


def test_a_phrase_of_the_data_set_is_no_overlap() -> None:
    train = [problem(f"a{number}", f"{STORY} number {number}") for number in range(COMMON + 1)]
    assert overlaps(train, [problem("t", f"{STORY} anew", "test")]) == []
    assert len(overlaps(train[:-1], [problem("t", f"{STORY} anew", "test")])) == 1


def test_hits_are_listed_and_above_the_share_the_run_refuses_to_start() -> None:
    train = [problem("a", STORY)]
    test = [problem("t", STORY, "test"), problem("u", "Another question", "test")]
    (note,) = check_contamination(train, test, 0.5)
    assert "1 of 2 test problems" in note and "t (a)" in note
    with pytest.raises(UserError, match=r"max_contaminated_share is 0\.4"):
        check_contamination(train, test, 0.4)


@pytest.mark.parametrize("kind", ["arithmetic", "programs"])
def test_the_built_in_problems_do_not_overlap(kind: str) -> None:
    sets = {split: {"kind": kind, "split": split, "limit": 100} for split in ("train", "val", "test")}
    loaded = read_sets(DataSettings.model_validate(sets))
    assert overlaps(loaded["train"].problems, loaded["test"].problems) == []
