"""A scratch disk that fills while a run is recorded: one sentence, and never instead of the failure that came first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.loop.em import em_loop
from flows.run.recorder import Recorder
from flows.run.run import Run, Stages
from tasks.data.problems import store_sets
from tasks.domain.errors import InfrastructureError, RestemError, UserError
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome
from tests.disks import fill, small_disk
from tests.handmade import Direct, made_up_base, unlooked
from tests.rig import record, small_config


class Filling(Direct):
    """Fills the disk at the last evaluation, after which the run is recorded, and may fail there itself."""

    def __init__(self, disk: Path, fails: bool) -> None:
        self.disk, self.fails, self.evaluations = disk, fails, 0

    def stage(self, stages: Stages, stage: Stage, job: Any) -> Outcome:
        outcome = super().stage(stages, stage, job)
        self.evaluations += stage.name == "evaluate"
        if self.evaluations == 4:  # the base's, two epochs' and the iteration's
            fill(self.disk)
            if self.fails:
                raise InfrastructureError("what came first")
        return outcome


@pytest.mark.parametrize(
    ("fails", "kind", "says"),
    [(False, UserError, "no space is left for '.*/scratch"), (True, InfrastructureError, "what came first")],
)
def test_a_disk_that_fills_is_told_in_one_sentence_and_hides_no_failure(
    fails: bool, kind: type[RestemError], says: str, tmp_path: Path
) -> None:
    config = small_config(tmp_path, made_up_base(tmp_path / "base"))
    record(config)
    with small_disk(tmp_path / "scratch") as disk:
        checked = unlooked(config)
        assert checked.base is not None
        stages = Stages(checked.config, checked.workspace, Filling(disk, fails))
        run = Run(stages, store_sets(checked.workspace, checked.sets), checked.base)
        with pytest.raises(kind, match=says) as told, Recorder(run) as rows:
            em_loop(run, rows)
    assert len(str(told.value).splitlines()) == 1
