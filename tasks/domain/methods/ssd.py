"""SSD: one sample a problem, no verifier, everything but stubs is trained on (arXiv 2604.01193).

Temperature 1.6 with top-k 20 and top-p 0.8, which at such a temperature is part of the method; the base is trained once, one
epoch at 5e-6, cosine. Samples of fewer than two lines are left out. Verdicts are still made, for the report alone.
Assumption: truncated sampling sharpens the policy by itself; so this arm belongs beside every claim on code.
"""

from __future__ import annotations

from tasks.domain.algorithms import method

METHOD = method(
    "ssd",
    generate={"temperature": 1.6, "top_k": 20, "top_p": 0.8, "waves": (1,)},
    materialize={"accept": "any", "cap": 1, "min_lines": 2, "dedupe": "none"},
    finetune={"start": "base", "epochs": 1, "learning_rate": 5e-6, "schedule": "cosine"},
    loop={"iterations": 1},
)
