"""What the order of batches under `finetune.prefix_sharing` does to val: the real trainer on the demo's built-in base, seed by seed.

`off` trains on batches of rows of similar length, `batch` on the same batches with what they share computed once, `problem` on batches
of the rows of few problems. Rows are correct samples of the base, up to `CAP` a problem, so a batch of 8 holds about one problem and one
of 32 about four. In each seed all ways start from one base and train on one set of rows; a seed orders the rows. Val is NLL of the
worked solutions a token (EOS included), greedy accuracy, and the mean accuracy of draws at temperature 1; a difference is paired by seed
with Student's limits. Trainings are kept as they come in .restem/bench/batch_order/, so a second call goes on.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.data.sources import load_problems
from tasks.domain.fingerprint import digest_of
from tasks.domain.inference import t_interval
from tasks.domain.prompts import template_named
from tasks.domain.rewards.grader import Grader
from tasks.domain.schema import Example, Policy, Problem, Sampling, to_table
from tasks.domain.settings import EngineSettings, FinetuneSettings, ModelSettings, SourceSettings, VerifySettings
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost
from tasks.engines.training.pretrain import pretrain_base
from tasks.engines.training.trainer import TrainJob, train

SEEDS = int(os.environ.get("RESTEM_BENCH_SEEDS", "8"))
PROBLEMS, SAMPLES, CAP, VAL, VAL_DRAWS = 160, 16, 10, 300, 4
PRETRAIN_STEPS = 900  # as the demo's base
EPOCHS, RATE = 2, 5e-4  # as the demo trains
SIZES = {8: ("off", "batch", "problem"), 32: ("off", "problem")}  # ways that are compared at each batch size
FIGURES = ("nll", "greedy", "sampled")
TEMPLATE = template_named("arithmetic")
KEPT = Path(".restem/bench/batch_order")


@dataclass(frozen=True)
class Data:
    """The base, the rows that it earned on train problems, and the val problems."""

    base: Path
    rows: tuple[Example, ...]
    val: tuple[Problem, ...]


def main() -> dict[str, Any]:
    data = prepared()
    found = {
        size: {way: [trained(data, size, way, seed) for seed in range(SEEDS)] for way in ways}
        for size, ways in SIZES.items()
    }
    base = kept("base", lambda: looked_at(data.base, data))
    mean_rows = len(data.rows) / len({row.problem_id for row in data.rows})
    return {
        "rows": len(data.rows), "rows_a_problem": round(mean_rows, 1), "epochs": EPOCHS, "seeds": SEEDS, "base": base,
        **{f"batch_{size}": compared(ways) for size, ways in found.items()},
    }  # fmt: skip


def compared(ways: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Means over seeds of each way, and its paired differences from `off`."""
    told: dict[str, Any] = {}
    for way, runs in ways.items():
        told[way] = {name: round(sum(run[name] for run in runs) / len(runs), 4) for name in FIGURES}
        if way != "off":
            pairs = list(zip(runs, ways["off"], strict=True))
            told[f"{way} minus off"] = {name: _limits([a[name] - b[name] for a, b in pairs]) for name in FIGURES}
    return told | {"by_seed": ways}


def _limits(values: Sequence[float]) -> list[float]:
    found = t_interval(values)
    return [round(one, 4) for one in (found.value, found.low, found.high)]


def prepared() -> Data:
    """Make the base and draw its rows, or read them again."""
    KEPT.mkdir(parents=True, exist_ok=True)
    base = pretrain_base(
        ModelSettings(pretrain_steps=PRETRAIN_STEPS), (KEPT / "base").absolute(), KEPT.absolute() / "pretrain.log"
    )
    train = load_problems(SourceSettings(kind="arithmetic", split="train", limit=PROBLEMS), "train")
    val = load_problems(SourceSettings(kind="arithmetic", split="val", limit=VAL), "val")
    told = kept("rows", lambda: earned(base, train))
    return Data(base, tuple(Example(**one) for one in told), tuple(val))


def earned(base: Path, problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """The first `CAP` correct samples of each problem."""
    rows, taken = [], Counter[str]()
    for problem, index, text, right in graded(base, problems, 1.0, SAMPLES):
        if right and taken[problem.id] < CAP:
            taken[problem.id] += 1
            row = {"problem_id": problem.id, "index": index, "prompt": TEMPLATE.render(problem, 0)}
            rows.append({**row, "completion": TEMPLATE.target(text), "weight": 1.0, "reward": 1.0})
    return rows


def graded(
    model: Path, problems: Sequence[Problem], temperature: float, samples: int
) -> Iterator[tuple[Problem, int, str, bool]]:
    """Each sample of a model with its verdict, problem by problem."""
    by_id = {problem.id: problem for problem in problems}
    requests = [DrawRequest(one.id, TEMPLATE.render(one, 0), tuple(range(samples))) for one in problems]
    sampling = Sampling(temperature=temperature, top_k=0, max_tokens=48, stop=TEMPLATE.stop)
    drawn = [
        (by_id[request.problem_id], index, one)
        for request, completions in _drawn(model, requests, sampling)
        for index, one in zip(request.indices, completions, strict=True)
    ]
    grader = Grader(VerifySettings(workers=1))
    try:
        verdicts = grader.grade_texts([(problem, one.text) for problem, _, one in drawn])
    finally:
        grader.close()
    for (problem, index, one), found in zip(drawn, verdicts, strict=True):
        yield problem, index, one.text, found.verdict.label == "correct" and one.finish_reason != "length"


def _drawn(model: Path, requests: Sequence[DrawRequest], sampling: Sampling) -> list[Any]:
    """Transformers samples: seeded, and it starts in a second."""
    with tempfile.TemporaryDirectory() as logs:
        host = EngineHost(EngineSettings(kind="hf", max_in_flight=256, seed=1), lambda policy: model, Path(logs))
        try:
            with host.serving(Policy(digest_of(str(model)), str(model), "bench")) as session:
                return list(session.sample(requests, sampling))
        finally:
            host.close()


def trained(data: Data, size: int, way: str, seed: int) -> dict[str, float]:
    """Train once, and return what the last epoch does on val."""
    settings = FinetuneSettings(
        epochs=EPOCHS, learning_rate=RATE, batch_size=size, max_length=64, seed=seed, threads=1, prefix_sharing=way,  # type: ignore[arg-type]
    )  # fmt: skip

    def make() -> dict[str, float]:
        folder = (KEPT / f"{size}-{way}-{seed}").absolute()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        pq.write_table(to_table(list(data.rows), Example), folder / "rows.parquet")
        job = TrainJob(data.base, (folder / "rows.parquet",), folder / "out", settings, len(data.rows), "bench")
        done = train(job, log_path=folder / "log")
        assert not done.notes, done.notes
        told = looked_at(done.epochs[-1].path, data) | {"train_loss": done.epochs[-1].train_loss}
        shutil.rmtree(folder)
        print(size, way, seed, told, flush=True)
        return told

    return kept(f"{size}-{way}-{seed}", make)


def looked_at(model: Path, data: Data) -> dict[str, float]:
    greedy = [right for _, _, _, right in graded(model, data.val, 0.0, 1)]
    sampled = [right for _, _, _, right in graded(model, data.val, 1.0, VAL_DRAWS)]
    return {
        "nll": nll(model, data.val), "greedy": sum(greedy) / len(greedy), "sampled": sum(sampled) / len(sampled)
    }  # fmt: skip


def nll(model: Path, problems: Sequence[Problem]) -> float:
    """Mean nats a token of the worked solutions, end token included."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded, tokenizer = AutoModelForCausalLM.from_pretrained(model).eval(), AutoTokenizer.from_pretrained(model)
    total, count = 0.0, 0
    for problem in problems:
        prompt = tokenizer(TEMPLATE.render(problem, 0))["input_ids"]
        told = TEMPLATE.worked(problem, problem.meta["solution"])
        target = [*tokenizer(told, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        with torch.no_grad():
            scores = loaded(torch.tensor([[*prompt, *target]])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        total -= float(scores[torch.arange(len(target)), torch.tensor(target)].sum())
        count += len(target)
    return total / count


def kept(name: str, make: Any) -> Any:
    file = KEPT / f"{name}.json"
    if not file.is_file():
        file.write_text(json.dumps(make()))
    return json.loads(file.read_text())
