"""A mixture of experts trains whatever its config calls their number."""

from __future__ import annotations

import pytest
from transformers import GraniteMoeConfig, LlamaConfig, PhimoeConfig

from tasks.engines.training.trl_sft import _name_experts


@pytest.mark.parametrize("kind", [GraniteMoeConfig, PhimoeConfig])
def test_the_number_of_experts_has_the_name_that_the_loss_reads(kind: type) -> None:
    config = kind(num_local_experts=4)
    before = config.to_dict()
    _name_experts(config)
    assert config.num_experts == 4
    assert config.to_dict() == before


def test_a_model_without_experts_gets_none() -> None:
    config = LlamaConfig()
    _name_experts(config)
    assert not hasattr(config, "num_experts")
