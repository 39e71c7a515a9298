"""ReST: grow a set of samples, then improve on it with rising thresholds (Gulcehre et al., arXiv 2308.08998).

Each Grow step samples from the current policy; three Improve steps train on what was grown, the first on all of it, each from
the policy before it and with a lower learning rate (the paper gives no value; 0.5 is ours). The solutions by people are in
the set and pass the same filter. The loop begins with an SFT model. Of the paper's thresholds [0, .7, .8, .9, .95, .99] three
are taken, and 32 samples instead of its 25 to 1000. A reward of at least the threshold is accepted, where the paper writes
more than it. Hard prompts can vanish under one threshold for all; `materialize.threshold_by` has the paper's two remedies.
Assumption: the reward is graded. Of rewards of 0 or 1 all thresholds accept the same samples, and the run says so.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method(
    "rest",
    REST_EM,
    generate={"temperature": 0.8, "top_k": 0, "waves": (32,)},
    materialize={"accept": "any", "cap": 32, "dedupe": "none", "human": "first", "human_filter": True},
    finetune={"start": "previous"},
    loop={
        "first": "sft", "iterations": 6, "improve": 3, "thresholds": (0.0, 0.7, 0.9), "learning_rate_factor": 0.5,
    },
)  # fmt: skip
