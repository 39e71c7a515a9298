"""ReST-EM: sample, keep what is correct, fine-tune the base weights, again (Singh et al., arXiv 2312.06585, Algorithm 1).

Settings of the paper for MATH: temperature 0.7, top-k 40, 32 samples a problem, at most 10 correct ones kept, three rounds.
The samples are drawn in waves of 16, 8 and 8, so that a problem whose cap is filled costs no more. Assumption: the reward
is 0 or 1, and the base model solves a part of the problems (a problem without a correct sample teaches nothing).
"""

from __future__ import annotations

from tasks.domain.algorithms import method

METHOD = method(
    "rest_em",
    generate={"temperature": 0.7, "top_k": 40, "top_p": 1.0, "waves": (16, 8, 8)},
    materialize={"accept": "correct", "cap": 10, "dedupe": "normalized", "weight": "one"},
    finetune={"start": "base"},
    loop={"iterations": 3},
)
