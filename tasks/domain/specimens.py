"""A few samples of each label for people to look at. What a model wrote is hostile text: escape it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from heapq import nsmallest

from tasks.domain.fingerprint import digest_of_text
from tasks.domain.run_result import ShownSample
from tasks.domain.schema import Problem, Sample, Verdict

CHARS = 4000  # of each text


def shown_samples(
    problems: Sequence[Problem], judged: Iterable[tuple[Sample, Verdict]], decoding: str = "sampled", per_label: int = 3
) -> tuple[ShownSample, ...]:
    """Return at most `per_label` samples of each label, chosen by hash so that nobody picks them."""
    by_id = {p.id: p for p in problems}
    by_label: dict[str, list[tuple[Sample, Verdict]]] = defaultdict(list)
    for sample, verdict in judged:
        by_label[verdict.label].append((sample, verdict))
    return tuple(
        _shown(by_id[sample.problem_id], sample, verdict, decoding)
        for _, pairs in sorted(by_label.items())
        for sample, verdict in nsmallest(per_label, pairs, key=lambda pair: digest_of_text(pair[0].id))
    )


def _shown(problem: Problem, sample: Sample, verdict: Verdict, decoding: str) -> ShownSample:
    evidence = json.dumps(dict(verdict.evidence), ensure_ascii=False, sort_keys=True, default=str)
    gold = problem.gold if problem.gold is not None else (problem.tests or "")
    return ShownSample(
        sample.problem_id,
        sample.index,
        verdict.label,
        _short(problem.question),
        _short(gold),
        _short(sample.text),
        sample.finish_reason,
        _short(evidence),
        decoding,
    )


def _short(text: str) -> str:
    """At most CHARS characters, and valid Unicode: a lone surrogate cannot be written as JSON."""
    cut = text if len(text) <= CHARS else f"{text[:CHARS]} ... ({len(text)} characters)"
    return cut.encode("utf-8", "replace").decode()
