"""What `restem gc` leaves of nights that may still be at work, and of objects that are being written."""

import time
from pathlib import Path

from flows.stored.gc import clean
from tasks.store.artifacts import Manifest, Store, key_of
from tasks.store.places import RunPlaces
from tasks.store.slots import Slot

DAY_S = 86400


def dropped_night(store: Store, folder: Path, ended: float) -> str:
    """A night whose training is stored and which a later night dropped; returns the place of its weights."""
    recipe = {"stage": "finetune", "version": "1", "start": "base", "dataset": "d"}
    key, made = key_of(recipe), f"{int((ended - 2 * DAY_S) * 1000)}-a"
    (folder / "epoch").mkdir()
    (folder / "epoch" / "model.safetensors").write_bytes(b"weights")
    place = f"finetune/{key}/{made}/epoch-1"
    parts = store.put_folder(place, folder / "epoch")
    meta = {"epochs": [{"epoch": 1, "digest": "policy", "path": place}], "start": {}}
    store.commit(Manifest("finetune", key, recipe, made, "policy", 1, parts, meta, ended))
    store.write_json(RunPlaces("n-2026-11-25").recipe(str(Slot.of(1, stage="finetune"))), recipe)
    record = {"night": "2026-11-25", "status": "dropped", "sampled": None, "ended": ended, "started": ended - 60}
    store.write_json("nights/n/2026-11-25.json", record)
    return place


def removed(store: Store, folder: Path, now: float) -> list[str]:
    return [one.path for one in clean(store, folder, 2, dry_run=True, now=now).removals]


def test_weights_of_a_dropped_night_stay_for_a_day_because_it_may_still_be_at_work(tmp_path: Path) -> None:
    store, now = Store(str(tmp_path / "store")), time.time()
    place = dropped_night(store, tmp_path, now - 10)
    assert place not in removed(store, tmp_path / "scratch", now)
    assert place in removed(store, tmp_path / "scratch", now + 2 * DAY_S)


def test_an_object_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    store, now = Store(str(tmp_path / "store")), time.time()
    dropped_night(store, tmp_path, now)
    (tmp_path / "store/nights/n/2026-11-26.json.0a0b0c0d.tmp").write_bytes(b"")
    assert store.listdir("nights/n") == ["2026-11-25.json"]
    removed(store, tmp_path / "scratch", now)
