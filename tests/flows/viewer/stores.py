"""A store for the viewer: real runs made by the real stages, one of them with hostile questions, ids and completions, and nights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from flows.loop.series import Series
from flows.stored.nights import Night
from flows.stored.policies import promote
from tasks.domain.schema import Policy, Sample, from_table, to_table
from tasks.store.artifacts import Store
from tests.handmade import run_directly
from tests.rig import record, small_config, tiny_base

MEGABYTE = 1_000_000
HOSTILE = (
    "<script>window.pwned=1</script><img src=x onerror=window.pwned=2></pre></article>{{ 7*7 }}{% raw %} "
    "\x1b[31mred\x1b]8;;https://bad.example\x07 \u202egnp.exe\u202c \u2066x\u2069 \u200f \r over \x00 javascript:window.pwned=3 ]]> -->"
)
HOSTILE_ID = '"><script>window.pwned=4</script>\u202e/../..'
MARKS = ("\x1b", "\x07", "\x00", "\r", "\u202e", "\u202c", "\u2066", "\u2069", "\u200f")
NIGHTS = ("promoted", "held", "stopped")


def make_viewed(folder: Path) -> Store:
    """Runs `small` (two iterations), `other` (another cap and rate) and `hostile`, and a series of three nights."""
    base = tiny_base(folder / "base")
    small = small_config(folder, base, loop={"iterations": 2})
    record(small)
    run_directly(small)
    more = {"engine": {"kind": "replay", "replay_path": str(folder / "recorded-other")}}
    other = small_config(
        folder, base, **more, materialize={"cap": 2}, run={**small.model_dump()["run"], "name": "other"}
    )
    record(other, solve_rate=0.8, seed=1)
    run_directly(other)
    hostile(folder, base)
    store = Store(small.run.store)
    nights(store)
    return store


def hostile(folder: Path, base: Path) -> None:
    rows = [
        {"id": f"{HOSTILE_ID}{number}", "question": f"{HOSTILE} {number}", "answer": str(number), "level": f"<b>{number % 2}"}
        for number in range(12)
    ]  # fmt: skip
    slices = {"train": {"stop": 6}, "val": {"start": 6, "stop": 9}, "test": {"start": 9}}
    data = {
        name: {"kind": "table", "path": write_slice(folder, name, rows, cut), "split": "train", "limit": None}
        for name, cut in slices.items()
    }
    config = small_config(
        folder, base, data={**data, "max_contaminated_share": 1.0},  # all questions hold the same hostile words
        engine={"kind": "replay", "replay_path": str(folder / "recorded-hostile")},
        run={"name": "hostile", "store": str(folder / "store"), "scratch": str(folder / "scratch")},
    )  # fmt: skip
    part = next(record(config).glob("*.parquet"))
    samples = from_table(pq.read_table(part), Sample)
    long = "x" * MEGABYTE
    texts = [f"{HOSTILE}\n{one.text}" if at % 2 else one.text for at, one in enumerate(samples)]
    texts[0] = f"{long} {texts[0]}"
    changed = [replace(one, text=text, finish_reason="length" if at % 5 == 4 else "stop")
               for at, (one, text) in enumerate(zip(samples, texts, strict=True))]  # fmt: skip
    pq.write_table(to_table(changed, Sample), part)
    run_directly(config)


def write_slice(folder: Path, name: str, rows: list[dict[str, str]], cut: dict[str, int]) -> str:
    path = folder / f"{name}.jsonl"
    some = rows[cut.get("start", 0) : cut.get("stop", len(rows))]
    path.write_text("".join(json.dumps(row) + "\n" for row in some))
    return str(path)


def nights(store: Store) -> None:
    series = Series(store, "nightly")
    for day, status in enumerate(NIGHTS, 1):
        series.put(Night(f"2026-01-0{day}", status, None, policy="a" * 16, gain="+3.0 points on val [+1.0, +5.0]",
                         message=HOSTILE, tokens=1200, started=0.0, ended=3600.0))  # fmt: skip
    promote(store, "nightly", Policy("a" * 16, "/somewhere", "latest"), "2026-01-01", "+3.0 points on val")
