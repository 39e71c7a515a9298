"""The viewer on a million samples of 300 tokens: seconds to build the index, to show each page, and to search the text.

The store is written directly, in the form in which generate and verify leave it. Targets: a page within 1 s, a text search within 3 s.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from starlette.testclient import TestClient

from flows.viewer.app import make_app
from flows.viewer.shelf import Building, Shelf
from tasks.domain.schema import Sample, Verdict, schema_of
from tasks.store.artifacts import ArtifactRef, Manifest, key_of, new_attempt
from tasks.store.ranges import split_ranges
from tasks.store.workspace import Workspace
from tests.benchmarks.million_samples import PER_PROBLEM, SAMPLES, TOKENS, WORDS, store_problems

RUN = "million"
BLOCK, BLOCKS = 30, 5000  # texts are drawn from so many pieces of so many words
PAGES = {
    "runs": "/", "run": f"/run/{RUN}", "samples": f"/run/{RUN}/samples", "later page": f"/run/{RUN}/samples?page=15000",
    "last page": f"/run/{RUN}/samples?page=999999", "filtered": f"/run/{RUN}/samples?label=correct&least=200&most=400&part=train",
    "part of an id": f"/run/{RUN}/samples?problem=p50", "problem": f"/run/{RUN}/problem?id=p50", "whole text": f"/run/{RUN}/sample/50.txt",
}  # fmt: skip
SEARCHES = {
    "first": "w997 w998 w9",
    "rare": "w999 w998 w9",
    "none": "nowhere to be found",
    "common": "w500",
    "capitals": "W123 W456",
}


def main(samples: int = SAMPLES) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace = Workspace(f"{folder}/store", f"{folder}/scratch", RUN)
        make_run(workspace, samples)
        shelf = Shelf(workspace.store, folder / "view")
        started = time.monotonic()
        made = shelf.samples(RUN, wait_s=3600)
        built_s = time.monotonic() - started
        assert not isinstance(made, Building)
        client = TestClient(make_app(workspace.store, folder / "view"), base_url="http://127.0.0.1")
        open_s = seconds(client, f"/run/{RUN}/samples?label=correct")  # as after a restart of the viewer
        return {
            "samples": made.built.samples, "build_s": round(built_s, 1), "index_gb": round(made.built.path.stat().st_size / 1e9, 2),
            "open_s": open_s, "pages_s": {page: seconds(client, path) for page, path in PAGES.items()},
            "searches_s": {kind: seconds(client, f"/run/{RUN}/samples?text={text}") for kind, text in SEARCHES.items()},
        }  # fmt: skip


def make_run(workspace: Workspace, samples: int) -> None:
    """Store a run's config, problems, samples and verdicts, with the recipe of each slot."""
    problems = store_problems(workspace, samples // PER_PROBLEM)
    workspace.store.write_json(f"runs/{RUN}/config.json", {"run": {"name": RUN}})
    remember(workspace, problems.ref, "problems/train")
    rng = random.Random(0)
    blocks = [" ".join(rng.choices(WORDS, k=BLOCK)) for _ in range(BLOCKS)]
    for number, ids in enumerate(split_ranges(problems.all(), 64)):
        drawn, verdicts = tables(ids, blocks, rng)
        place = f"iteration-1/train/range-{number:03d}/wave-0"
        wanted = {"problems": list(ids), "prompts": ["prompt"], "start": 0, "stop": PER_PROBLEM}
        remember(workspace, commit(workspace, "generate", number, drawn, {"wanted": wanted}), f"{place}/generate")
        remember(workspace, commit(workspace, "verify", number, verdicts, {}), f"{place}/verify")


def tables(ids: tuple[str, ...], blocks: list[str], rng: random.Random) -> tuple[pa.Table, pa.Table]:
    """Return the samples and the verdicts of one range."""
    rows = len(ids) * PER_PROBLEM
    problem, index = [name for name in ids for _ in range(PER_PROBLEM)], list(range(PER_PROBLEM)) * len(ids)
    texts = [" ".join(rng.choices(blocks, k=TOKENS // BLOCK)) for _ in range(rows)]
    labels = rng.choices(("correct", "wrong", "unparseable"), (5, 4, 1), k=rows)
    drawn: dict[str, Any] = {
        "problem_id": problem, "draw": [""] * rows, "index": index, "text": texts, "finish_reason": ["stop"] * rows,
        "stop_reason": [None] * rows, "prompt_tokens": [100] * rows, "completion_tokens": [rng.randrange(100, 500) for _ in range(rows)],
        "prompt_digest": ["prompt"] * rows, "policy_digest": ["policy"] * rows, "sampling": ["sampling"] * rows,
    }  # fmt: skip
    verdicts: dict[str, Any] = {
        "problem_id": problem, "index": index, "label": labels, "reward": [float(one == "correct") for one in labels],
        "evidence": ['{"rule": "string", "answer": "12", "gold": "13"}'] * rows,
    }  # fmt: skip
    drawn = {name: drawn.get(name, [None] * rows) for name in schema_of(Sample).names}
    return pa.table(drawn, schema_of(Sample)), pa.table(verdicts, schema_of(Verdict))


def commit(workspace: Workspace, stage: str, number: int, table: pa.Table, meta: dict[str, Any]) -> ArtifactRef:
    recipe = workspace.recipe(stage, "bench", number=number)
    part = workspace.store.write_table(f"{stage}/{key_of(recipe)}/part-00000.parquet", table)
    made = Manifest(stage, key_of(recipe), recipe, new_attempt(), key_of(recipe), table.num_rows, [part], meta)
    return workspace.store.ref(workspace.store.commit(made))


def remember(workspace: Workspace, ref: ArtifactRef, slot: str) -> None:
    workspace.remember(workspace.store.manifest_of(ref).recipe, slot)


def seconds(client: TestClient, path: str) -> float:
    started = time.monotonic()
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.text[:300])
    return round(time.monotonic() - started, 2)
