"""The family of self-training methods as settings of one loop: a preset states what differs from the defaults.

The paper (arXiv 2312.06585, sections 3 and 4) places these methods by who is sampled, what is kept, how rows are
weighted and where the M-step starts. Methods that need something the loop does not have yet are named too, and refused
with the reason.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tasks.domain.errors import UserError

Overrides = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Preset:
    """One method: its settings by section, what it is, and where it comes from."""

    summary: str
    overrides: Overrides = field(default_factory=dict)


_REST_EM: Overrides = {
    "generate": {"temperature": 0.7, "top_k": 40, "top_p": 1.0, "waves": (16, 8, 8)},
    "materialize": {"accept": "correct", "cap": 10, "dedupe": "normalized", "weight": "one"},
    "finetune": {"start": "base"},
    "loop": {"iterations": 3},
}


def _like_rest_em(summary: str, **sections: dict[str, Any]) -> Preset:
    overrides = deepcopy(_REST_EM)
    for section, values in sections.items():
        overrides.setdefault(section, {}).update(values)
    return Preset(summary, overrides)


PRESETS: dict[str, Preset] = {
    "rest_em": _like_rest_em(
        "ReST-EM: correct only, at most 10 a problem, from the base weights, 3 rounds (arXiv 2312.06585)."
    ),
    "rest_em_code": _like_rest_em(
        "ReST-EM on code: 64 samples, 2 rounds (arXiv 2312.06585, section 5).",
        generate={"waves": (16, 16, 16, 16)},
        loop={"iterations": 2},
    ),
    "expert_iteration": _like_rest_em(
        "Expert iteration: each round goes on from the previous policy, 5 rounds (arXiv 1705.08439).",
        finetune={"start": "previous"},
        loop={"iterations": 5},
    ),
    "rft": _like_rest_em(
        "RFT: 100 samples, the correct ones whose written equations hold, one for each list of equations, one round "
        "(arXiv 2308.01825); without its human rows.",
        generate={"waves": (100,)},
        materialize={"cap": 100, "equations": "hold", "dedupe": "equations"},
        loop={"iterations": 1},
    ),
    "rwr": _like_rest_em(
        "Reward-weighted regression: nothing filtered, rows weighted exp(r / beta), T 1 (Peters and Schaal, 2007).",
        generate={"temperature": 1.0, "top_k": 0, "waves": (32,)},
        materialize={"accept": "any", "accept_truncated": True, "cap": 32, "dedupe": "none", "weight": "exp_reward"},
    ),
    "raft": _like_rest_em(
        "RAFT: the best of 8, prompts without a correct one drop, from the previous policy (arXiv 2304.06767). "
        "With rewards of 0 and 1 the best is the first correct one.",
        generate={"temperature": 1.0, "top_k": 0, "waves": (8,)},
        materialize={"cap": 1},
        finetune={"start": "previous"},
    ),
    "unfiltered": _like_rest_em(
        "Control arm: samples whatever their reward; set materialize.max_rows to the rows of the other arm.",
        materialize={"accept": "any"},
    ),
    "permuted": _like_rest_em(
        "Control arm: rewards shuffled among samples; set materialize.max_rows to the rows of the other arm.",
        materialize={"accept": "permuted"},
    ),
}

NOT_YET: dict[str, str] = {
    "rest": "a reward threshold that rises within a round, human rows and a learning rate that falls over rounds",
    "star": "a second try with the answer as a hint that training does not see; expert_iteration comes nearest",
    "iml": "many rounds over mini-batches of problems; rwr weights rows by reward over whole rounds",
    "sft_human": "human solutions as training rows; fine-tuning here reads sampled solutions only",
    "distill": "one engine for the teacher that is sampled and another for the student that is evaluated",
}


def preset_names() -> tuple[str, ...]:
    """The methods that `preset` knows settings for."""
    return tuple(PRESETS)


def preset(name: str) -> Overrides:
    """Settings of a method by section of the run config (generate, materialize, finetune, loop); a fresh copy.

    Raises UserError for an unknown name, and for a method of the family that present settings cannot express.
    """
    if name in PRESETS:
        return deepcopy(PRESETS[name].overrides)
    known = ", ".join(PRESETS)
    if name in NOT_YET:
        raise UserError(f"preset {name!r} cannot be expressed yet: it needs {NOT_YET[name]}. Choose one of: {known}")
    raise UserError(f"preset {name!r} is not known; choose one of: {known}")
