"""Training and sampling of SmolLM2-135M here and in another checkout, side by side: tokens a second, in turns on one machine.

RESTEM_BENCH_OTHER names the other checkout (with a .venv of its own). Each side is a process that works while the others wait, so what else
the machine does changes all of them; a ratio is the median over rounds. Training: few-shot GSM8K rows (RESTEM_SHARED_DATA) in batches of 8,
float32, optimizer step included; `trl` is TRL's own trainer, `other` the other checkout's as it trains, `here` ours, and `here_problem` ours
with `prefix_sharing = "problem"`. Sampling: a vLLM server each, as the committed config for this model sets it in each checkout.
RESTEM_BENCH_PARTS names `training` or `sampling` alone, RESTEM_BENCH_SIDES some sides of training.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.prefix_sharing import BASE, gsm8k_rows
from tests.benchmarks.sandbox_pairs import commit

OTHER = Path(os.environ.get("RESTEM_BENCH_OTHER", "../old"))
ROUNDS = int(os.environ.get("RESTEM_BENCH_ROUNDS", "3"))
PARTS = os.environ.get("RESTEM_BENCH_PARTS", "training,sampling").split(",")
SIDES = os.environ.get("RESTEM_BENCH_SIDES", "trl,other,here,here_problem").split(",")
SIZE = int(os.environ.get("RESTEM_BENCH_BATCH", "8"))
CONFIG = "deployments/configs/gsm8k-smollm2-cpu.toml"
TRAINING = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, "")
told, sys.stdout = sys.stdout, sys.stderr
from tasks.domain.settings import FinetuneSettings
try:
    from tasks.engines.training import trl_sft
    from tasks.engines.training.sft_rows import TokenRow
    from tasks.engines.training.trainer import TrainJob
except ModuleNotFoundError:  # where they stood before
    from tasks.engines import trl_sft
    from tasks.engines.sft_rows import TokenRow
    from tasks.engines.trainer import TrainJob
given = json.loads(sys.stdin.readline())
rows = [TokenRow(tuple(ids), length, 1.0) for ids, length in given["rows"]]
job = TrainJob(Path(given["base"]), (), Path(given["folder"]), FinetuneSettings(**given["settings"]), len(rows), "bench")
tokenizer = trl_sft._tokenizer(job.base_path)
if given["trl"]:
    from trl import SFTTrainer
    trainer = SFTTrainer(
        model=trl_sft._model(job, rows), args=trl_sft._arguments(job, len(rows)), train_dataset=trl_sft._dataset(rows),
        processing_class=tokenizer,
    )
else:
    trainer = trl_sft._trainer(job, rows, tokenizer, "bench")
    assert not getattr(trainer, "notes", ()), trainer.notes
trainer.create_optimizer()
trainer.model.train()
for line in sys.stdin:
    examples = [trainer.train_dataset[at] for at in json.loads(line)]
    began = time.perf_counter()
    batch = trainer.data_collator(examples)
    trainer.training_step(trainer.model, batch, trainer._get_num_items_in_batch([batch], "cpu"))
    trainer.accelerator.clip_grad_norm_(trainer.model.parameters(), 1.0)
    trainer.optimizer.step()
    trainer.optimizer.zero_grad()
    print(sum(len(one["input_ids"]) for one in examples) / (time.perf_counter() - began), file=told, flush=True)
"""
SAMPLING = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, "")
told, sys.stdout = sys.stdout, sys.stderr
from tasks.domain.schema import Policy, Sampling
from tasks.domain.settings import EngineSettings
try:
    from tasks.engines.sampling.engine import DrawRequest
    from tasks.engines.sampling.host import EngineHost
except ModuleNotFoundError:  # where they stood before
    from tasks.engines.base import DrawRequest
    from tasks.engines.host import EngineHost
given = json.loads(sys.stdin.readline())
host = EngineHost(EngineSettings(**given["settings"]), lambda policy: Path(given["base"]), Path(given["folder"]))
try:
    with host.serving(Policy("0" * 16, given["base"], "bench")) as session:
        for line in sys.stdin:
            requests = [DrawRequest(f"{line}-{at}", f"Question: {at} + {line}?\\nAnswer:", tuple(range(8))) for at in range(4)]
            began = time.perf_counter()
            drawn = list(session.sample(requests, Sampling(temperature=1.0, top_k=0, max_tokens=48)))
            tokens = sum(one.completion_tokens for _, completions in drawn for one in completions)
            print(tokens / (time.perf_counter() - began), file=told, flush=True)
finally:
    host.close()
"""


def main() -> dict[str, Any]:
    parts = {"training": training, "sampling": sampling}
    with tempfile.TemporaryDirectory() as folder:
        measured = {name: parts[name](Path(folder)) for name in PARTS}
    return {"here": commit(Path.cwd()), "other": commit(OTHER), "rounds": ROUNDS, **measured}


def training(folder: Path) -> dict[str, Any]:
    rows = gsm8k_rows(SIZE * (ROUNDS + 1))
    plain, grouped = _orders(rows)
    settings = {"batch_size": SIZE, "dtype": "float32", "max_length": 4096}
    asked = {"base": str(BASE.resolve()), "rows": [[row.input_ids, row.prompt_length] for row in rows], "trl": False}
    ways = {
        "trl": (Path.cwd(), settings, True), "other": (OTHER, settings, False), "here": (Path.cwd(), settings, False),
        "here_problem": (Path.cwd(), settings | {"prefix_sharing": "problem"}, False),
    }  # fmt: skip
    with ExitStack() as stack:
        sides = {
            name: stack.enter_context(
                side(
                    ways[name][0],
                    TRAINING,
                    asked | {"settings": ways[name][1], "trl": ways[name][2], "folder": str(folder / name)},
                )
            )
            for name in SIDES
        }
        for process in sides.values():
            turn(process, [0])  # makes the optimizer's state
        batches = {name: grouped if name == "here_problem" else plain for name in sides}
        return in_turns(sides, batches)


def _orders(rows: Sequence[Any]) -> tuple[list[list[int]], list[list[int]]]:
    """The batches of a training, as rows of similar length and as rows of few problems."""
    from tasks.engines.training.prefix_batches import ByProblem
    from tasks.engines.training.sft_loop import SimilarLengths

    orders = (
        SimilarLengths([len(row.input_ids) for row in rows], SIZE, 0),
        ByProblem([row.input_ids[: row.prompt_length] for row in rows], 0),
    )
    numbers = [list(order) for order in orders]
    plain, grouped = ([one[at : at + SIZE] for at in range(0, SIZE * ROUNDS, SIZE)] for one in numbers)
    return plain, grouped


def sampling(folder: Path) -> dict[str, Any]:
    with ExitStack() as stack:
        sides = {
            name: stack.enter_context(
                side(
                    checkout,
                    SAMPLING,
                    {
                        "base": str(BASE.resolve()),
                        "settings": _engine(checkout),
                        "folder": str(folder / f"engine-{name}"),
                    },
                )
            )
            for name, checkout in (("other", OTHER), ("here", Path.cwd()))
        }
        for process in sides.values():
            turn(process, 0)
        return in_turns(sides, {name: list(range(1, ROUNDS + 1)) for name in sides})


def _engine(checkout: Path) -> dict[str, Any]:
    return dict(tomllib.loads((checkout / CONFIG).read_text())["engine"])


def in_turns(sides: Mapping[str, subprocess.Popen[str]], asked: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Median tokens a second of each side, and each over each side before it."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS):
        for name, process in sides.items():
            rates[name].append(turn(process, asked[name][number]))
            print(number, name, f"{rates[name][-1]:.1f} tokens/s", file=sys.stderr, flush=True)
    names = list(rates)
    ratios = {
        f"{name} / {before}": round(
            statistics.median(a / b for a, b in zip(rates[name], rates[before], strict=True)), 2
        )
        for at, name in enumerate(names)
        for before in names[:at]
    }
    return {"tokens_per_s": {name: round(statistics.median(values), 1) for name, values in rates.items()}, **ratios}


@contextmanager
def side(folder: Path, program: str, asked: Mapping[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """A process of the checkout in `folder`, which has been told what to do."""
    python = folder / ".venv" / "bin" / "python"
    with subprocess.Popen(
        [python.absolute(), "-c", program], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        Path(asked["folder"]).mkdir(parents=True)
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        yield process
        process.stdin.close()


def turn(process: subprocess.Popen[str], asked: Any) -> float:
    """Tokens a second of one turn."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())
