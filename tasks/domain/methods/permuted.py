"""Control arm: ReST-EM with the rewards shuffled among the samples.

Set `materialize.max_rows` to the rows of the other arm. Assumption: what this arm gains is not due to which samples the
reward chose, only to how many.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "permuted",
    REST_EM,
    materialize={"accept": "permuted"},
)
