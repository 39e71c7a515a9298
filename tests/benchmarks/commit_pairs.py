"""Speed of training and of sampling here and of another checkout (RESTEM_BENCH_OTHER, with a .venv of its own), in nine interleaved pairs.

The model is of the demo base's shape, hardly trained, in a folder that both sides load. `train`: trained tokens a second between the first and the
last step of a fine-tuning by the child's own code, in one process a side. `sample`: completion tokens a second of one vLLM server a side, which stays up.
RESTEM_BENCH_STEPS names `train` or `sample` alone. The interval of the median ratio is that of the second to the eighth of nine
pairs: it holds the true median in 96 of 100 cases (sign test).
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.domain.arithmetic import expressions, solution
from tasks.domain.settings import ModelSettings
from tasks.engines.training.pretrain import pretrain_base
from tests.benchmarks.sandbox_pairs import commit, rate

OTHER = Path(os.environ.get("RESTEM_BENCH_OTHER", "../old"))
STEPS = os.environ.get("RESTEM_BENCH_STEPS", "train,sample").split(",")
PAIRS, ROWS = int(os.environ.get("RESTEM_BENCH_PAIRS", "9")), int(os.environ.get("RESTEM_BENCH_ROWS", "1500"))
BEGIN = """
import contextlib, json, shutil, sys, time
from pathlib import Path
sys.path.insert(0, "")
base, rows, work = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
answers, sys.stdout = sys.stdout, sys.stderr
"""
TRAIN = """
import pyarrow as pa, pyarrow.parquet as pq
from tasks.domain import schema
from tasks.domain.settings import FinetuneSettings
try:
    from tasks.engines.training import trainer, trl_sft
except ImportError:  # where they stood before
    from tasks.engines import trainer, trl_sft
columns = getattr(schema, "EXAMPLE_SCHEMA", None) or schema.schema_of(schema.Example)
told = [{"problem_id": str(at), "index": 0, "prompt": prompt, "completion": text, "weight": 1.0, "reward": 1.0} for at, (prompt, text) in enumerate(rows)]
data = work / "rows.parquet"
pq.write_table(pa.Table.from_pylist(told, schema=columns), data)
settings = FinetuneSettings(epochs=2, learning_rate=5e-4, batch_size=32, max_length=128)
job = trainer.TrainJob(base, (data,), work / "out", settings, len(told), "pairs")
for line in sys.stdin:
    shutil.rmtree(work / "out", ignore_errors=True)
    trainer._prepare(job)
    assert not trl_sft.main(str(work / "out" / trainer.JOB_FILE))
    seen = [json.loads(one) for one in (work / "out" / trainer.PROGRESS_FILE).read_text().splitlines()]
    print((seen[-1]["tokens"] - seen[0]["tokens"]) / (seen[-1]["seconds"] - seen[0]["seconds"]), file=answers, flush=True)
"""
SAMPLE = """
from tasks.domain.schema import Policy, Sampling
from tasks.domain.settings import EngineSettings
try:
    from tasks.engines.sampling.engine import DrawRequest
    from tasks.engines.sampling.host import EngineHost
except ModuleNotFoundError:
    from tasks.engines.base import DrawRequest
    from tasks.engines.host import EngineHost
host = EngineHost(EngineSettings(kv_cache_gib=0.5, max_in_flight=256), lambda policy: Path(policy.uri), work)
sampling = Sampling(temperature=1.0, top_k=0, max_tokens=40)
with contextlib.closing(host), host.serving(Policy("0" * 16, str(base), "base")) as session:
    def rate(problems):
        requests = [DrawRequest(str(at), prompt, tuple(range(16))) for at, (prompt, _) in enumerate(rows[:problems])]
        began = time.perf_counter()
        tokens = sum(one.completion_tokens for _, drawn in session.sample(requests, sampling) for one in drawn)
        return tokens / (time.perf_counter() - began)
    rate(16)
    for line in sys.stdin:
        print(rate(64), file=answers, flush=True)
"""
SIDES = {"train": BEGIN + TRAIN, "sample": BEGIN + SAMPLE}


def main() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        base = pretrain_base(ModelSettings(pretrain_steps=1), work / "base", work / "pretrain.log")
        rows = work / "rows.json"
        asked = itertools.islice(expressions("train"), ROWS)
        rows.write_text(json.dumps([(f"{one.question}\n", solution(one)) for one in asked]))
        figures = {step: compare(step, base, rows, work) for step in STEPS}
    return {"here": commit(Path.cwd()), "other": commit(OTHER), **figures}


def compare(step: str, base: Path, rows: Path, work: Path) -> dict[str, Any]:
    """Pairs whose first turn alternates."""
    sides = (Path.cwd(), Path(sys.executable)), (OTHER, OTHER / ".venv" / "bin" / "python")
    with (
        _side(step, *sides[0], base, rows, work / "here") as here,
        _side(step, *sides[1], base, rows, work / "there") as there,
    ):
        rates = [
            (rate(here, ""), rate(there, "")) if at % 2 else (rate(there, ""), rate(here, ""))[::-1]
            for at in range(PAIRS)
        ]
    ratios = sorted(one / other for one, other in rates)
    return {
        "tokens_per_s": [round(statistics.median(side)) for side in zip(*rates, strict=True)],
        "median_ratio": round(statistics.median(ratios), 3), "interval": [round(ratios[1], 3), round(ratios[-2], 3)],
        "rates": [[round(one), round(other)] for one, other in rates],
    }  # fmt: skip


@contextmanager
def _side(step: str, folder: Path, python: Path, base: Path, rows: Path, work: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of the checkout in `folder`, which makes a turn for each line and answers with its rate."""
    (work / step).mkdir(parents=True)
    argv = [python.absolute(), "-c", SIDES[step], base, rows, work / step]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "OMP_WAIT_POLICY": "PASSIVE"
    }
    with subprocess.Popen(
        argv, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
