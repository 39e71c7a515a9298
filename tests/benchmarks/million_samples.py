"""Verify and materialize a million samples of 300 tokens: peak of the summed PSS of the flow's process tree, and seconds.

The grader is `accept_all`, so that the figure is about our own data path. Target: under 1.5 GB and 20 minutes.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from dataclasses import asdict
from typing import Any

import psutil

from tasks.data.problems import ProblemSet
from tasks.domain.fingerprint import digest_of, digest_of_rows, row_hashes
from tasks.domain.schema import Problem, Sample, Sampling, to_table
from tasks.domain.settings import MaterializeSettings, ModelSettings, VerifySettings
from tasks.materialize import MaterializeJob
from tasks.materialize import run as materialize
from tasks.store.artifacts import ArtifactRef, Manifest, TableWriter, key_of, new_attempt
from tasks.store.ranges import RangeSamples, split_ranges
from tasks.store.workspace import Workspace
from tasks.verify import VerifyJob
from tasks.verify import run as verify

SAMPLES, PER_PROBLEM, TOKENS = 1_000_000, 32, 300
PART_ROWS = 8192  # what about a minute of sampling on a GPU flushes
WORDS = [f"w{number:03d}" for number in range(1000)]  # four characters a token, with the space five


def main(samples: int = SAMPLES) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(f"{folder}/store", f"{folder}/scratch", "million")
        problems = store_problems(workspace, samples // PER_PROBLEM)
        stored = [
            (ids, store_samples(workspace, number, ids)) for number, ids in enumerate(split_ranges(problems.all(), 64))
        ]
        with Peak() as peak:
            started = time.monotonic()
            ranges = tuple(verified(workspace, problems, ids, ref, number) for number, (ids, ref) in enumerate(stored))
            verify_s = time.monotonic() - started
            job = MaterializeJob(
                workspace, "m", ranges, problems, ModelSettings(prompt="plain"), MaterializeSettings(), PER_PROBLEM
            )
            outcome = materialize(job)
        return {
            "samples": sum(ref.rows for _, ref in stored), "rows": outcome.ref.rows, "verify_s": round(verify_s, 1),
            "materialize_s": round(outcome.seconds, 1), "peak_pss_gb": round(peak.bytes / 1e9, 3),
            "store_gb": round(workspace.store.size("samples") / 1e9, 3),
        }  # fmt: skip


def store_problems(workspace: Workspace, count: int) -> ProblemSet:
    rows = [Problem(f"p{number}", "synthetic", "train", "math", f"question {number}", "1") for number in range(count)]
    writer = TableWriter(workspace.store, workspace.recipe("problems", "bench", count=count))
    writer.write(to_table(rows, Problem))
    return ProblemSet(workspace.store_url, workspace.store.ref(writer.commit({})))


def store_samples(workspace: Workspace, number: int, ids: tuple[str, ...]) -> ArtifactRef:
    """What a generate task leaves behind for one range."""
    rng, sampling = random.Random(number), digest_of(asdict(Sampling()))
    parts, hashes, waiting = [], [], list[Sample]()
    for name in ids:
        for index in range(PER_PROBLEM):
            text = " ".join(rng.choices(WORDS, k=TOKENS))
            waiting.append(Sample(name, "", index, text, "stop", None, 100, TOKENS, "prompt", "policy", sampling))
        if len(waiting) >= PART_ROWS or name == ids[-1]:
            table = to_table(waiting, Sample)
            parts.append(workspace.store.write_table(f"samples/pool/{number:03d}-{len(parts):05d}.parquet", table))
            hashes += list(row_hashes(table))
            waiting = []
    recipe = workspace.recipe("generate", "bench", number=number)
    wanted = {"problems": list(ids), "prompts": ["prompt"], "start": 0, "stop": PER_PROBLEM}
    manifest = Manifest(
        "generate",
        key_of(recipe),
        recipe,
        new_attempt(),
        digest_of_rows(hashes),
        len(hashes),
        parts,
        {"wanted": wanted},
    )
    return workspace.store.ref(workspace.store.commit(manifest))


def verified(
    workspace: Workspace, problems: ProblemSet, ids: tuple[str, ...], ref: ArtifactRef, number: int
) -> RangeSamples:
    job = VerifyJob(workspace, f"range-{number}", ref, problems, ids, VerifySettings(reward="accept_all"))
    return RangeSamples(ids, ((ref, verify(job).ref),))


class Peak:
    """Peak of the summed PSS of this process and its descendants, looked at ten times a second."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(0.1):
            self.bytes = max(self.bytes, sum(_pss(process) for process in (me, *me.children(recursive=True))))


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
