"""What a run records for its analyses is what its stored samples and verdicts say."""

from __future__ import annotations

from pathlib import Path

from flows.stored.analyses import base_readable, first_wave_diversity
from flows.stored.audit.audit import _problems
from flows.stored.runs import read_result
from flows.stored.trace import RunRecords
from tasks.report.analyses import run_analyses
from tasks.store.artifacts import Store
from tests.flows.loop.family import run_method


def test_diversity_and_readable_answers_are_those_of_the_stored_first_wave_and_of_the_base(tmp_path: Path) -> None:
    config, made = run_method(tmp_path, "rest_em", loop={"iterations": 2}, generate={"waves": (4, 2)})
    store = Store(config.run.store)
    result = read_result(store, "small")
    assert result == made
    for row in result.iterations:
        assert row.diversity is not None and row.diversity.samples == 4
        assert row.diversity == first_wave_diversity(store, "small", row.number)
    assert result.base.readable == base_readable(store, "small")
    assert result.base.test is not None and result.base.readable.keys() == result.base.test.sampled_outcomes.keys()
    assert "Diversity" in {one.title for one in run_analyses(result)}


def test_what_the_tuning_on_solutions_by_people_was_scored_with_is_not_taken_for_the_bases_answers(
    tmp_path: Path,
) -> None:
    _, result = run_method(tmp_path, "rft")
    assert result.base.test is not None
    assert result.base.readable.keys() == result.base.test.sampled_outcomes.keys()


def test_a_run_with_solutions_by_people_has_its_problems_read(tmp_path: Path) -> None:
    config, result = run_method(tmp_path, "sft_human")
    records = RunRecords(Store(config.run.store), "small")
    assert result.iterations[0].diversity is None, "nothing was sampled on train"
    found = _problems(records)
    assert all(records.problem(name) == problem for name, problem in list(found.items())[:3])
    assert records.problem("nobody") is None
