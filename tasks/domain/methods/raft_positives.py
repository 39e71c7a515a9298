"""RAFT as arXiv 2504.11343 defines it: all samples that are right, from the previous policy.

Four samples a prompt at temperature 1. RAFT++ of the same paper adds an importance ratio with clipping, which is no
supervised fine-tuning and is not here. Rounds and their 1024 prompts (`loop.problems`) are ours to choose. Assumption: every
success deserves the same weight. The RAFT of 2304.06767 keeps one a prompt and is `raft`.
"""

from __future__ import annotations

from tasks.domain.algorithms import method

METHOD = method(
    "raft_positives",
    generate={"temperature": 1.0, "top_k": 0, "waves": (4,)},
    materialize={"accept": "correct", "cap": 4, "dedupe": "none"},
    finetune={"start": "previous", "epochs": 1, "learning_rate": 1e-6, "schedule": "constant", "warmup_share": 0.0},
    loop={"iterations": 5, "nothing_accepted": "go_on"},
)
