"""Fine-tuning with shared prefixes against plain TRL in trained tokens a second: few-shot GSM8K rows, alternating in one process.

Rows are problems of GSM8K (RESTEM_SHARED_DATA) behind 4 worked examples, each with up to 10 solutions: the human ones of this and of
other problems, since speed does not read them. The model is RESTEM_BENCH_BASE (SmolLM2-135M-Instruct by default). All sides take the same rows, data type, threads and batch size, and each timed step is forward, backward, clipping and
AdamW. A figure is the median over rounds; tokens are those of the rows, padding and sharing apart.

`trl` is TRL's own trainer with batches grouped by length, `trl_same_batches` the same trainer on the batches that sharing takes (the rows
of few problems, padded), for one round. `batch` shares within batches grouped by length, for one round, `problem` within those of few
problems.
Target: `problem` at 3 times `trl`.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.domain.prompts import template_named
from tasks.domain.schema import Problem
from tasks.domain.settings import FinetuneSettings
from tasks.engines.training.sft_rows import TokenRow
from tasks.engines.training.trainer import TrainJob

BASE = Path(os.environ.get("RESTEM_BENCH_BASE", ".restem/models/smollm2-135m-instruct"))
DATA = Path(os.environ.get("RESTEM_SHARED_DATA", "../shared/data")) / "gsm8k" / "train.jsonl"
SHOTS, CAP, ROUNDS = 4, 10, int(os.environ.get("RESTEM_BENCH_ROUNDS", "5"))
BATCH_SIZES = tuple(int(size) for size in os.environ.get("RESTEM_BENCH_BATCHES", "8").split(","))
SIDES = os.environ.get("RESTEM_BENCH_SIDES", "trl,problem,trl_same_batches,batch").split(",")
DTYPE = os.environ.get("RESTEM_BENCH_DTYPE", "float32")


@dataclass(frozen=True)
class Side:
    """A trainer and how its batches are made: `rows_of(round)` are the numbers of the rows it takes then."""

    name: str
    trainer: Any
    batches: Sequence[Sequence[int]]
    rounds: int = ROUNDS

    def step(self, round_number: int) -> float:
        """Take one optimizer step on this round's batch and return the rows' tokens a second."""
        examples = [self.trainer.train_dataset[at] for at in self.batches[round_number]]
        started = time.perf_counter()
        batch = self.trainer.data_collator(examples)
        self.trainer.training_step(self.trainer.model, batch, self.trainer._get_num_items_in_batch([batch], "cpu"))
        self.trainer.accelerator.clip_grad_norm_(self.trainer.model.parameters(), 1.0)
        self.trainer.optimizer.step()
        self.trainer.optimizer.zero_grad()
        return sum(len(one["input_ids"]) for one in examples) / (time.perf_counter() - started)


def main() -> dict[str, Any]:
    import torch

    figures: dict[str, Any] = {"threads": torch.get_num_threads(), "dtype": DTYPE, "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        for size in BATCH_SIZES:
            figures[f"batch_{size}"] = compare(size, Path(folder) / str(size))
    return {**figures, "load_after": os.getloadavg()[0]}


def compare(size: int, folder: Path) -> dict[str, Any]:
    rows = gsm8k_rows(size * (ROUNDS + 1))
    sides = list(_sides(rows, size, folder))
    rates: dict[str, list[float]] = {side.name: [] for side in sides if side.name in SIDES}
    for number in range(ROUNDS + 1):
        for side in (one for one in sides if one.name in SIDES):
            if number <= side.rounds:
                rates[side.name].append(side.step(number))
                print(number, side.name, f"{rates[side.name][-1]:.1f} tokens/s", flush=True)
    rates = {name: values[1:] for name, values in rates.items()}  # the first step makes the optimizer's state
    ratios = {
        f"{name} / {plain}": round(statistics.median(a / b for a, b in zip(rates[name], rates[plain], strict=False)), 2)
        for name in rates
        for plain in rates
        if plain.startswith("trl") and not name.startswith("trl")
    }
    tokens = sum(len(row.input_ids) for row in rows)
    medians = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    return {"rows": len(rows), "mean_tokens_of_a_row": round(tokens / len(rows)), "tokens_per_s": medians, **ratios}


def gsm8k_rows(count: int) -> list[TokenRow]:
    """The first problems with 1 to 10 solutions each, as the cap leaves them, at least `count` rows."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(BASE)
    told = [json.loads(line) for line in DATA.read_text().splitlines()]
    template, chosen, rows = template_named("gsm8k"), random.Random(0), []
    for at, one in enumerate(told):
        if len(rows) >= count:
            return rows
        problem = Problem(str(at), "gsm8k", "train", "math", one["question"], "0")
        prompt = tokenizer(template.render(problem, SHOTS))["input_ids"]
        others = chosen.sample(told, chosen.choice((CAP, CAP, CAP, 5, 1)) - 1)
        for text in (one["answer"], *(other["answer"] for other in others)):
            target = tokenizer(" " + text, add_special_tokens=False)["input_ids"]
            rows.append(TokenRow((*prompt, *target, tokenizer.eos_token_id), len(prompt), 1.0))
    return rows


def _sides(rows: Sequence[TokenRow], size: int, folder: Path) -> Iterator[Side]:
    """Two trainers, each with two ways to choose a batch."""
    from trl import SFTTrainer

    from tasks.engines.training.prefix_batches import ByProblem
    from tasks.engines.training.sft_loop import SelfTrainer, SimilarLengths

    job = _job(size, folder)
    plain, ours = (_trainer(kind, job, rows) for kind in (SFTTrainer, SelfTrainer))
    few_problems = _batches(ByProblem([row.input_ids[: row.prompt_length] for row in rows], 0), size)
    lengths = [len(row.input_ids) for row in rows]
    yield Side("trl", plain, _batches(plain._get_train_sampler(), size))
    yield Side("problem", ours, few_problems)
    yield Side("trl_same_batches", plain, few_problems, rounds=1)
    yield Side("batch", ours, _batches(SimilarLengths(lengths, size, 0), size), rounds=1)


def _batches(order: Iterable[int], size: int) -> list[list[int]]:
    numbers = list(order)
    return [numbers[at : at + size] for at in range(0, len(numbers) - size + 1, size)]


def _job(size: int, folder: Path) -> TrainJob:
    settings = FinetuneSettings(batch_size=size, dtype=DTYPE, max_length=4096, prefix_sharing="problem")  # type: ignore[arg-type]
    return TrainJob(BASE.resolve(), (), folder, settings, 0, "bench")


def _trainer(kind: Any, job: TrainJob, rows: Sequence[TokenRow]) -> Any:
    """A trainer with our arguments; TRL's own has its own collator, loss and order by length, ours shares prefixes."""
    from tasks.engines.training import trl_sft

    arguments = trl_sft._arguments(job, len(rows))
    arguments.train_sampling_strategy = "group_by_length"
    tokenizer = trl_sft._tokenizer(job.base_path)
    made = kind(
        model=trl_sft._model(job, rows),
        args=arguments,
        train_dataset=trl_sft._dataset(rows),
        processing_class=tokenizer,
    )
    made.job, made.notes = job, ()
    if hasattr(made, "causal_model"):
        made.notes = trl_sft._share_prefixes(made, rows)
    assert not made.notes, made.notes
    made.create_optimizer()
    made.model.train()
    return made
