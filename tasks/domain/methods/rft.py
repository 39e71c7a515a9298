"""RFT, rejection sampling fine-tuning: 100 samples of an SFT model, one round from the base (Yuan et al., arXiv 2308.01825).

Kept are the correct ones whose written equations hold, one for each list of equations: of several the one that differs most
from the others (tasks/domain/paths.py). The solution by people comes first and is no duplicate of a model's. Three epochs at
2e-5, cosine, 3 % warm-up, as the authors; their batch of 128 is `finetune.batch_size` times `accumulation`. Equations are
found in the whole text, not only in `<<...>>`. Assumption: different calculations, not different words, make solutions
diverse.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "rft",
    REST_EM,
    generate={"temperature": 0.7, "top_k": 0, "waves": (100,)},
    materialize={"cap": 100, "equations": "hold", "dedupe": "paths", "human": "first"},
    finetune={"epochs": 3, "learning_rate": 2e-5, "schedule": "cosine", "warmup_share": 0.03},
    loop={"iterations": 1, "first": "sft"},
)
