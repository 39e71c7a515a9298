"""Reinforce-Rej's choice of samples: prompts that are all right or all wrong are dropped (arXiv 2504.11343).

What is left is trained on as in `raft_positives`; the paper's policy gradient, in which wrong samples push down, is not.
Assumption: a prompt that always succeeds has nothing left to teach.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.raft_positives import METHOD as RAFT_POSITIVES

METHOD = method("reinforce_rej", RAFT_POSITIVES, materialize={"groups": "mixed"})
