"""Nights every two minutes with a fault in each: `python -m tests.benchmarks.soak --minutes 60 --seed 11` (`make bench`: an hour).

The store is SeaweedFS behind a switch, scratch a small disk of its own (root), the clock libfaketime's (Debian's package faketime;
without it that fault is left out). 0 lost, 0 doubled, 0 stuck, 0 left is what it must come to; `tests.soak` says what each means.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from tasks.store.artifacts import Store
from tests.faulty_s3 import FaultyS3, faulty
from tests.machine import machine_up
from tests.rig import record, small_config, tiny_base
from tests.s3 import BUCKET, seaweedfs
from tests.soak import SEEDS, SERIES, Soak, Surroundings, disk_of, faults_here, told

EVERY_S, MINUTES = 120.0, 60.0


def main(minutes: float = MINUTES, seed: int = SEEDS[0], every_s: float = EVERY_S) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "weed").mkdir()
        with seaweedfs(folder / "weed") as weed, faulty(FaultyS3(weed.environment["AWS_ENDPOINT_URL"])) as proxy:
            through = {**weed.environment, "AWS_ENDPOINT_URL": proxy.url}
            os.environ.update(weed.environment)  # the checks read the store itself
            place = f"s3://{BUCKET}/soak"
            with (
                disk_of(folder / "disk", folder / "image") as disk,
                machine_up(folder / "up", RESTEM_STORE=place, RESTEM_SCRATCH=str(disk), **through) as machine,
            ):
                around = Surroundings(disk, folder / "clock", lambda down: setattr(proxy, "down", down))
                soak = Soak(
                    machine, around, forms(folder, place, disk), Store(place), random.Random(seed), faults_here()
                )
                soak.spend(every_s, time.monotonic() + minutes * 60)
                return {"seed": seed, "minutes": minutes, **told(soak)}


def forms(folder: Path, place: str, disk: Path) -> Any:
    """What the form of a night sends, with recorded answers or with an engine, whose model solves nothing."""
    config = small_config(
        folder, tiny_base(folder / "base"), finetune={"epochs": 1}, run={"name": SERIES, "store": place, "scratch": str(disk)},
        retry={"retries": 3, "delay_s": 2.0}, materialize={"cap": 3, "accept": "any", "accept_truncated": True},
    )  # fmt: skip
    record(config)
    plain = config.model_dump(mode="json")
    with_engine = {**plain, "engine": {**plain["engine"], "kind": "hf", "replay_path": None}}
    return lambda engine: {"config": with_engine if engine else plain}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--seed", type=int, default=SEEDS[0])
    parser.add_argument("--every", type=float, default=EVERY_S, help="seconds from night to night")
    given = parser.parse_args()
    print(json.dumps(main(given.minutes, given.seed, given.every), indent=1))
