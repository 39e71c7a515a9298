"""RAFT: the best of 32 samples of each prompt, from the previous policy (Dong et al., arXiv 2304.06767).

A prompt whose best reward is 0 drops, and the seed decides among equals. Two epochs at 2e-5, as the paper; its 2048 prompts
a stage are `loop.problems`. Assumption: the best sample is better than the policy's usual one. The RAFT of arXiv 2504.11343
keeps every correct one and is `raft_positives`.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "raft",
    REST_EM,
    generate={"temperature": 1.0, "top_k": 0, "waves": (32,)},
    materialize={"accept": "positive", "cap": 1, "choose": "reward", "dedupe": "none"},
    finetune={"start": "previous", "epochs": 2, "learning_rate": 2e-5},
)
