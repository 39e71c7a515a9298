"""Baseline: fine-tuning on the solutions by people alone; nothing is sampled (arXiv 2312.06585, section 5.3).

Assumption: the train problems come with solutions. Those that fail the grader are trained on too, unless
`materialize.human_filter` is on.
"""

from __future__ import annotations

from tasks.domain.algorithms import method

METHOD = method(
    "sft_human",
    materialize={"human": "only"},
    finetune={"start": "base"},
    loop={"iterations": 1},
)
