"""Nights with a fault in each, one after the other (`tests.benchmarks.soak` has hours of them): nothing lost, doubled, stuck or left."""

from __future__ import annotations

import random
from typing import Any

import pytest

from flows.loop.series import Series
from tasks.store.artifacts import Store
from tests.faulty_s3 import FaultyS3, faulty
from tests.operated import Operated
from tests.s3 import BUCKET
from tests.soak import FAULTS, SEEDS, SERIES, Soak, Surroundings

pytestmark = pytest.mark.heavy

HERE = ("server", "store away", "worker")  # trainer, engine and flow process: test_ends and test_nights
PLACE = f"s3://{BUCKET}/soak"


@pytest.mark.timeout(1500)
def test_nights_with_faults_lose_nothing_and_the_last_finishes_what_was_cut_off(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in operated.s3.environment.items():
        monkeypatch.setenv(name, value)  # the checks read the store itself
    faults = tuple(one for one in FAULTS if one.name in HERE)
    with faulty(FaultyS3(operated.s3.environment["AWS_ENDPOINT_URL"])) as proxy:
        around = Surroundings(operated.folder, operated.folder, lambda down: setattr(proxy, "down", down))
        soak = Soak(operated.machine, around, lambda _: form(operated), Store(PLACE), random.Random(SEEDS[0]), faults,
                    {"AWS_ENDPOINT_URL": proxy.url})  # fmt: skip
        soak.in_turn()
        assert soak.verdict() == {"lost": [], "doubled": [], "stuck": [], "left": []}
    assert proxy.seen["answered"], "the nights reached their store through the proxy"
    ended = {one["fault"]: one["ended"] for one in soak.nights}
    assert ended["worker"] == "CRASHED" and ended["none"] == "COMPLETED", soak.nights
    records = {one.night: one.status for one in Series(soak.store, SERIES).all()}
    assert set(records.values()) == {"promoted"}, (records, soak.nights)


def form(operated: Operated) -> dict[str, Any]:
    """What the form of a night sends; a store that was away for a while is asked again."""
    return operated.form(
        SERIES, run={"name": SERIES, "store": PLACE}, retry={"retries": 3, "delay_s": 2.0},
        materialize={"cap": 3, "accept": "any", "accept_truncated": True},
    )  # fmt: skip
