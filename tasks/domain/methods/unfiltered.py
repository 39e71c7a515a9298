"""Control arm: ReST-EM with samples whatever their reward.

Set `materialize.max_rows` to the rows of the other arm. Assumption: what this arm gains is not due to the reward.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "unfiltered",
    REST_EM,
    materialize={"accept": "any"},
)
