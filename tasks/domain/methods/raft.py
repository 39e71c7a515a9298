"""RAFT: the best of 8 samples of each prompt, from the previous policy (Dong et al., arXiv 2304.06767).

Prompts without a correct sample drop. Assumption: with rewards of 0 and 1 the best sample is the first correct one. The
RAFT of arXiv 2504.11343 keeps every correct one and is another method.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "raft",
    REST_EM,
    generate={"temperature": 1.0, "top_k": 0, "waves": (8,)},
    materialize={"cap": 1},
    finetune={"start": "previous"},
)
