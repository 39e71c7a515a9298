"""Expert iteration: each round goes on from the previous policy, five rounds (Anthony et al., arXiv 1705.08439).

The expert of the paper is a search on top of the policy; here, as arXiv 2403.04642 takes it for language models, it is the
choice of the correct ones among the samples, all of them kept. With `materialize.cap = 1` and `choose = "reward"` the expert
is the best of n. Assumption: what was learned in one round is worth keeping in the next.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "expert_iteration",
    REST_EM,
    generate={"waves": (32,)},
    materialize={"cap": 32, "dedupe": "none"},
    finetune={"start": "previous"},
    loop={"iterations": 5},
)
