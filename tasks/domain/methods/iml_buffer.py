"""IML with a buffer of successes, as MAPO's authors use the name (Liang et al., arXiv 1807.02322).

Each round draws one sample of each of 64 problems; what succeeds joins a buffer of distinct solutions that is never emptied,
and 256 rows drawn uniformly from it are trained on, going on from the policy. A problem without a success has no row. The
authors never draw a sample twice; here equal solutions count once. Sizes and the number of rounds are ours.
Assumption: successes stay worth learning from, whichever policy found them.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "iml_buffer",
    REST_EM,
    generate={"temperature": 1.0, "top_k": 0, "waves": (1,)},
    materialize={"cap": 1_000, "dedupe": "text", "max_rows": 256, "target": "none"},
    finetune={"start": "previous", "epochs": 1, "schedule": "constant", "warmup_share": 0.0},
    loop={"iterations": 20, "problems": 64, "pool": "all", "nothing_accepted": "go_on"},
)
