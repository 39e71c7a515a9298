"""RFT, rejection sampling fine-tuning: 100 samples, one round (Yuan et al., arXiv 2308.01825).

Kept are the correct ones whose written equations hold, one for each list of equations. Without the human rows that the
paper puts first. Assumption: different calculations, not different words, are what makes solutions diverse.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "rft",
    REST_EM,
    generate={"waves": (100,)},
    materialize={"cap": 100, "equations": "hold", "dedupe": "equations"},
    loop={"iterations": 1},
)
