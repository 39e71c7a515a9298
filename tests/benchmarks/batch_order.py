"""What `prefix_sharing = "problem"` does to val by its order: batches of few problems against batches of rows of similar length.

The base is the demo's. It draws solutions of its train problems, the correct ones are the rows (at most `CAP` a problem, equal ones too, as in the
demo), and each seed of the trainer's order trains the same base on the same rows in both orders. Val: problems answered greedily, and the
mean NLL of a token of their worked solutions. Differences (grouped minus plain) are paired by seed, with Student's 95 % interval.
RESTEM_BENCH_SEEDS is their number, RESTEM_BENCH_BATCHES the batch sizes. About a quarter of an hour of one core.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import t as student

from tasks.domain.arithmetic import ANSWER_MARK, Expression, expressions, solution
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.prompts import template_named
from tasks.domain.schema import Example, Policy, Problem, Sampling
from tasks.domain.settings import EngineSettings, ModelSettings
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost
from tasks.engines.training.pretrain import pretrain_base
from tests.models.matrix import train_here

SEEDS = int(os.environ.get("RESTEM_BENCH_SEEDS", "8"))
BATCH_SIZES = tuple(int(size) for size in os.environ.get("RESTEM_BENCH_BATCHES", "8,32").split(","))
TRAIN, VAL, SAMPLES, CAP, MAX_TOKENS = 500, 400, 8, 4, 40
ORDERS = {"plain": "off", "grouped": "problem"}
TRAINING = {"epochs": 2, "learning_rate": 5e-4, "max_length": 128, "warmup_share": 0.03, "schedule": "cosine"}


@dataclass(frozen=True)
class Val:
    """Of one policy: the share of problems answered, and nats a token of the worked solutions."""

    accuracy: float
    nll: float


def main() -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)  # as the demo trains a model of this size
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        settings = EngineSettings(kind="hf", max_in_flight=512)
        base = pretrain_base(ModelSettings(pretrain_steps=400), work / "base", work / "pretrain.log")
        with closing(EngineHost(settings, lambda policy: Path(policy.uri), work / "logs")) as host:
            rows = correct_rows(host, base)
            figures = {
                "rows": len(rows),
                "problems": len({row.problem_id for row in rows}),
                "base": vars(val_of(host, base)),
            }
            return figures | {
                f"batch_{size}": compare(host, base, rows, size, work / str(size)) for size in BATCH_SIZES
            }


def correct_rows(host: EngineHost, base: Path) -> tuple[Example, ...]:
    asked = list(itertools.islice(expressions("train"), TRAIN))
    drawn = draw(host, base, asked, Sampling(temperature=1.0, top_k=0, max_tokens=MAX_TOKENS), SAMPLES)
    return tuple(
        Example(f"p{at}", index, prompt(one), text, 1.0, 1.0)
        for at, (one, texts) in enumerate(zip(asked, drawn, strict=True))
        for index, text in enumerate([text for text in texts if answers(text, one)][:CAP])
    )


def compare(host: EngineHost, base: Path, rows: tuple[Example, ...], size: int, work: Path) -> dict[str, Any]:
    found: dict[str, list[Val]] = {name: [] for name in ORDERS}
    for seed in range(SEEDS):
        for name, sharing in ORDERS.items():
            output = work / f"{name}-{seed}"
            result = train_here(base, output, rows, batch_size=size, seed=seed, prefix_sharing=sharing, **TRAINING)
            assert not result.notes, result.notes
            found[name].append(val_of(host, result.epochs[-1].path))
            print(size, seed, name, found[name][-1], flush=True)
    return {
        measure: {name: round(statistics.fmean(values(found[name], measure)), 4) for name in ORDERS}
        | {"grouped - plain": difference(values(found["grouped"], measure), values(found["plain"], measure))}
        for measure in ("accuracy", "nll")
    }


def values(found: Sequence[Val], measure: str) -> list[float]:
    return [getattr(one, measure) for one in found]


def difference(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """Mean of the paired differences, and the ends of its interval."""
    apart = [one - other for one, other in zip(ones, others, strict=True)]
    mean, count = statistics.fmean(apart), len(apart)
    half = float(student.ppf(0.975, count - 1)) * statistics.stdev(apart) / count**0.5
    return [round(value, 4) for value in (mean, mean - half, mean + half)]


def val_of(host: EngineHost, policy: Path) -> Val:
    asked = list(itertools.islice(expressions("val"), VAL))
    drawn = draw(host, policy, asked, Sampling(temperature=0.0, top_k=0, max_tokens=MAX_TOKENS), 1)
    right = [answers(text, one) for one, [text] in zip(asked, drawn, strict=True)]
    return Val(statistics.fmean(right), nll(policy, asked))


def draw(
    host: EngineHost, policy: Path, asked: Sequence[Expression], sampling: Sampling, samples: int
) -> list[list[str]]:
    requests = [DrawRequest(str(at), prompt(one), tuple(range(samples))) for at, one in enumerate(asked)]
    with host.serving(Policy(digest_of_text(str(policy)), str(policy), policy.name)) as session:
        drawn = {one.problem_id: texts for one, texts in session.sample(requests, sampling)}
    return [[completion.text for completion in drawn[request.problem_id]] for request in requests]


def nll(policy: Path, asked: Sequence[Expression]) -> float:
    """Mean over the tokens of the worked solutions and their ends, problem by problem."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(policy), AutoModelForCausalLM.from_pretrained(policy).eval()
    total, count = 0.0, 0
    for one in asked:
        before, target = tokenizer(prompt(one))["input_ids"], tokenizer(solution(one))["input_ids"]
        target = [*target, tokenizer.eos_token_id]
        with torch.no_grad():
            scores = model(torch.tensor([[*before, *target]])).logits[0, len(before) - 1 : -1].log_softmax(-1)
        total -= float(scores.gather(1, torch.tensor(target)[:, None]).sum())
        count += len(target)
    return total / count


def prompt(one: Expression) -> str:
    return template_named("arithmetic").render(Problem("", "arithmetic", "train", "math", one.question), 0)


def answers(text: str, one: Expression) -> bool:
    return text.strip().endswith(f"{ANSWER_MARK}{one.gold}")
