"""Labelled answers by kind: how many were accepted wrongly, how many refused wrongly, and by which proof the right ones passed.

Reads `verifier/audit_dev.jsonl` below RESTEM_SHARED_DATA: rows of gold, pred, question, label and kind.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from tasks.domain.equivalence.decide import decide
from tasks.domain.rewards.math import MathReward
from tasks.domain.schema import Problem

ROWS = Path(os.environ.get("RESTEM_SHARED_DATA", "../shared/data")) / "verifier/audit_dev.jsonl"


def main() -> dict[str, Any]:
    if not ROWS.exists():
        return {"skipped": f"{ROWS} is not there; set RESTEM_SHARED_DATA to the folder of public data"}
    rows = [json.loads(line) for line in ROWS.read_text().splitlines()]
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    proofs: Counter[str] = Counter()
    for row in rows:
        accepted, proof = graded(row)
        right = row["label"] == "correct"
        kinds[row["kind"]]["rows"] += 1
        kinds[row["kind"]]["accepted_wrongly"] += accepted and not right
        kinds[row["kind"]]["refused_wrongly"] += right and not accepted
        proofs[proof] += accepted
    total: Counter[str] = sum(kinds.values(), Counter())
    wrong = total["accepted_wrongly"] + total["refused_wrongly"]
    return {
        "rows": len(rows),
        "accuracy": round(1 - wrong / len(rows), 4),
        "accepted_wrongly": total["accepted_wrongly"],
        "refused_wrongly": total["refused_wrongly"],
        "accepted_by": dict(proofs),
        "by_kind": {kind: dict(counts) for kind, counts in sorted(kinds.items()) if counts.total() > counts["rows"]},
    }


def graded(row: dict[str, Any]) -> tuple[bool, str]:
    """Whether the reward accepts the answer, and by which proof."""
    reward = MathReward()
    problem = Problem(str(row["id"]), "", "test", "math", row.get("question") or "", gold=row["gold"])
    check = reward.prepare(problem, row["pred"])
    if check.decided:
        return check.decided.label == "correct", str(check.decided.evidence.get("proof", "exact"))
    label, evidence = decide(check.payload)
    return label == "correct", str(evidence.get("proof", "exact"))
