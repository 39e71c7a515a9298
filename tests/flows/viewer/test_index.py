"""The index of samples over a store whose artifacts are written here: rows of every age and author, and an index that is damaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flows.loop.data import HINTED
from flows.viewer.app import make_app
from flows.viewer.queries import Filter, Row, Samples
from flows.viewer.shelf import Shelf
from tasks.domain.judged import HUMAN
from tasks.domain.schema import Example, Problem, Sample, Verdict, to_table
from tasks.store.artifacts import Store, TableWriter
from tasks.store.places import RunPlaces
from tests.flows.viewer.asking import page

RUN = "made"
DRAWN = Sample("p1", "", 0, "1+1=2\n#### 2", "stop", None, 5, 7, "prompt", "policy", "sampling")
WRITTEN = replace(DRAWN, draw="human", text="One and one are 2.\n#### 2", completion_tokens=0, policy_digest="human")
OLD = [replace(DRAWN, index=0), replace(DRAWN, index=1, text="3\n#### 3")]
NEW = [replace(DRAWN, index=2, text="2\n#### 2", token_ids=(1, 2, 3))]
HINT = [replace(DRAWN, text="told\n#### 2")]


def put(
    store: Store, slot: str, stage: str, rows: Sequence[Any], row_type: type, without: tuple[str, ...] = ()
) -> None:
    """Store an artifact and its recipe in the run, as a stage does; `without` are columns that stores of before lack."""
    recipe = {"stage": stage, "version": "1", "slot": slot}
    writer = TableWriter(store, recipe)
    writer.write(to_table(rows, row_type).drop_columns(list(without)))
    writer.commit({})
    store.write_json(RunPlaces(RUN).recipe(slot), recipe)


def verdicts(samples: Sequence[Sample]) -> list[Verdict]:
    right = [sample.text.endswith("#### 2") for sample in samples]
    return [Verdict(one.problem_id, one.index, "correct" if fits else "wrong", float(fits))
            for one, fits in zip(samples, right, strict=True)]  # fmt: skip


def graded(store: Store, slot: str, stage: str, samples: Sequence[Sample], without: tuple[str, ...] = ()) -> None:
    put(store, f"{slot}/{stage}", stage, samples, Sample, without)
    put(store, f"{slot}/verify", "verify", verdicts(samples), Verdict)


@pytest.fixture
def made(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "store"))
    store.write_json(RunPlaces(RUN).config, {"run": {"name": RUN}})
    put(store, "problems/train", "problems", [Problem("p1", "x", "train", "math", "1+1?", "2")], Problem)
    graded(store, "iteration-1/train/range-000/wave-0", "generate", OLD, ("token_ids",))
    graded(store, "iteration-1/train/range-000/wave-1", "generate", NEW)
    graded(store, "iteration-1/hint/range-000/wave-0", "generate", HINT)
    graded(store, "iteration-1/test/sampled/range-000/wave-0", "generate", OLD[:1])
    graded(store, "problems/train/range-000", "human", [WRITTEN])
    kept = [Example("p1", index, "1+1?", text, 1.0, 1.0) for index, text in (
        (0, DRAWN.text), (HUMAN, WRITTEN.text), (HINTED, HINT[0].text))]  # fmt: skip
    put(store, "iteration-1/materialize", "materialize", kept, Example)
    return store


def rows_of(shelf: Shelf) -> list[Row]:
    samples = shelf.samples(RUN, wait_s=60)
    assert isinstance(samples, Samples)
    return list(samples.find(Filter()).rows)


def test_rows_with_and_without_token_ids_by_people_and_with_a_hint_are_all_there(made: Store, tmp_path: Path) -> None:
    rows = rows_of(Shelf(made, tmp_path))
    assert Counter((one.part, one.text, one.fate) for one in rows) == Counter(
        {
            ("train", OLD[0].text, "kept"): 1,
            ("train", OLD[1].text, "not accepted"): 1,
            ("train", NEW[0].text, "left over"): 1,
            ("hint", HINT[0].text, "kept"): 1,
            ("test", OLD[0].text, "evaluation"): 1,
            ("human", WRITTEN.text, "kept"): 1,
        }
    )
    assert {one.iteration for one in rows if one.part == "human"} == {None}


def test_a_problem_shows_the_solution_of_a_person_beside_the_samples(made: Store, tmp_path: Path) -> None:
    text = page(client_of(made, tmp_path), f"/run/{RUN}/problem?id=p1")
    assert "solutions by people" in text and "One and one are 2." in text and "1+1?" in text


def client_of(store: Store, scratch: Path) -> TestClient:
    return TestClient(make_app(store, scratch), base_url="http://127.0.0.1")


def overwrite(data: bytes) -> bytes:
    return bytes(4096) + b"x" * (len(data) - 4096)


def spoil_the_blocks(data: bytes) -> bytes:
    """Leave the headers as they are, so that only a query finds the damage."""
    return data[:12288] + b"\xff" * (len(data) - 12288)


@pytest.mark.parametrize("spoil", [lambda data: b"", lambda data: data[: len(data) // 2], overwrite, spoil_the_blocks],
                         ids=["empty", "cut", "overwritten", "blocks"])  # fmt: skip
def test_a_damaged_index_is_built_again(made: Store, tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    address = f"/run/{RUN}/samples"
    whole = page(client_of(made, tmp_path), address)
    [index] = tmp_path.glob("viewer/**/*.duckdb")
    index.write_bytes(spoil(index.read_bytes()))
    again = page(client_of(made, tmp_path), address)  # as after a restart of the viewer
    assert "6 samples" in whole and "6 samples" in again
    assert page(client_of(made, tmp_path), f"{address}?text=told").count("<article") == 1


def test_an_index_of_other_tables_is_built_again(made: Store, tmp_path: Path) -> None:
    import duckdb

    shelf = Shelf(made, tmp_path)
    samples = shelf.samples(RUN, wait_s=60)
    assert isinstance(samples, Samples)
    index = samples.built.path
    shelf.discard(RUN)
    with duckdb.connect(str(index)) as base:
        base.execute("CREATE TABLE other (one INTEGER)")
    assert "6 samples" in page(client_of(made, tmp_path), f"/run/{RUN}/samples")
