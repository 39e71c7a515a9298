"""A place in a run is printed and parsed in one place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.store.slots import SAMPLINGS, SETS, STAGES, Slot

PRINTED = [
    "base", "problems/train", "base/test/greedy/range-000/wave-0/generate", "base/test/score",
    "iteration-1/train/range-012/wave-2/verify", "iteration-3/materialize", "iteration-3/finetune",
    "iteration-2/val/epoch-3/sampled/range-001/wave-0/generate", "iteration-1/gate/promoted/sampled/range-000/wave-0/verify",
    "iteration-1/gate/new/score", "evaluate/0123456789abcdef/sampled/range-000/wave-0/generate", "evaluate/0123456789abcdef/score",
]  # fmt: skip


@pytest.mark.parametrize("text", PRINTED)
def test_every_place_of_a_run_is_printed_as_it_was_parsed(text: str) -> None:
    assert str(Slot.parse(text)) == text


@given(
    st.builds(
        Slot,
        part=st.one_of(st.just("base"), st.integers(1, 99).map("iteration-{}".format), st.just("evaluate/abc")),
        set=st.sampled_from(["", *SETS]),
        which=st.sampled_from(["", "epoch-1", "new", "promoted"]),
        sampling=st.sampled_from(["", *SAMPLINGS]),
        range=st.one_of(st.none(), st.integers(0, 999)),
        wave=st.one_of(st.none(), st.integers(0, 50)),
        stage=st.sampled_from(["", *STAGES]),
    )
)
def test_a_slot_is_what_its_text_says(slot: Slot) -> None:
    assert Slot.parse(str(slot)) == slot


def test_the_base_is_iteration_0_and_problems_belong_to_none() -> None:
    assert Slot.parse("base/test/score").iteration == 0
    assert Slot.of(7, stage="finetune").iteration == 7
    assert Slot.parse("problems/val").iteration is None


def test_scoring_is_told_from_making_data() -> None:
    assert Slot.parse("iteration-1/val/epoch-1/sampled/range-000/wave-0/verify").is_evaluation
    assert not Slot.parse("iteration-1/train/range-000/wave-0/verify").is_evaluation
