"""ReST-EM on code: 64 samples a problem and two rounds (arXiv 2312.06585, section 5).

Assumption: tests decide what is correct; the paper saw the result on APPS fall after the first round.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "rest_em_code",
    REST_EM,
    generate={"waves": (16, 16, 16, 16)},
    loop={"iterations": 2},
)
