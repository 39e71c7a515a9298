"""STaR: one solution a problem, a second try with a hint for those that failed (Zelikman et al., arXiv 2203.14465).

The hint is the answer, or a solution by people (`loop.hint`; the authors' code gives the latter for GSM8K), in parentheses
behind the question. Each miss gets one hinted try, which passes the same check; its training row has the prompt without the
hint. Every round trains the base, for 40 steps at first and 1.2 times as many each round (for arithmetic the authors took 300
and added 20: `finetune.steps`, `loop.steps_added`). The authors' 100 steps of warm-up are not taken over: they are more than
the first round has. Five rounds are ours. Assumption: the base solves more than chance. Hints raise false positives, which
is why ReST-EM leaves them out, and for thinking models a loss of up to 17 % was measured (arXiv 2607.05184).
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "star",
    REST_EM,
    generate={"temperature": 0.01, "top_k": 0, "top_p": 0.9, "waves": (1,)},
    materialize={"cap": 1},
    finetune={"steps": 40, "schedule": "constant_with_warmup"},
    loop={"iterations": 5, "hint": "answer", "steps_factor": 1.2},
)
