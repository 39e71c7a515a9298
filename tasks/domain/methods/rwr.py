"""Reward-weighted regression: nothing is filtered, rows are weighted exp(r / beta) (Peters and Schaal, 2007).

Weights are shared by the rows of a problem, so that each problem counts once. Sampling is at temperature 1, from the policy
as it is. Assumption: rewards are on the scale of `materialize.beta`; as beta falls towards 0 only the correct ones of a
problem count, as in ReST-EM.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "rwr",
    REST_EM,
    generate={"temperature": 1.0, "top_k": 0, "waves": (32,)},
    materialize={
        "accept": "any", "accept_truncated": True, "cap": 32, "dedupe": "none", "weight": "exp_reward_per_problem",
    },
)  # fmt: skip
