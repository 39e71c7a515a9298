"""IML as the ReST-EM paper means it: small batches of problems, samples weighted by reward, many rounds (arXiv 2312.06585).

Each round samples 64 problems from the policy as it is and goes on training it for a few steps on those alone; a sample with
reward 0 weighs nothing. The other meaning of the name is `iml_buffer`. The sizes are ours. Assumption: samples of the newest
policy are worth more than many samples.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "iml",
    REST_EM,
    generate={"temperature": 1.0, "top_k": 0, "waves": (8,)},
    materialize={"accept": "positive", "cap": 8, "dedupe": "none", "weight": "reward"},
    finetune={"start": "previous", "epochs": 1, "schedule": "constant", "warmup_share": 0.0},
    loop={"iterations": 20, "problems": 64, "nothing_accepted": "go_on"},
)
