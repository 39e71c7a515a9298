"""A stage whose code changed must say whether its results can change."""

from __future__ import annotations

from tests.stage_versions import MODULES, STAGES, digest_of_code, fingerprints, recorded


def test_code_and_version_of_every_stage_are_the_recorded_ones() -> None:
    now, before = fingerprints(), recorded()
    changed = [stage for stage in STAGES if now[stage] != before[stage]]
    assert not changed, (
        f"the code behind {changed} changed: raise VERSION in those stages and run `python -m tests.stage_versions --write`, "
        "or `--same-results` if no result can differ"
    )


def test_a_stage_rests_on_the_code_it_imports() -> None:
    assert digest_of_code("tasks.verify") != digest_of_code("tasks.domain.rewards.grader")
    assert digest_of_code("tasks.engines.sampling.choose") != digest_of_code("tasks.engines.sampling.engine")
    assert len({digest_of_code(MODULES[stage]) for stage in STAGES}) == len(STAGES)
