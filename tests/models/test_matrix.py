"""Four architectures through the whole of docs/models.md; `make bench` takes all of them."""

import pytest

from tests.models.architectures import BY_LABEL, write_model
from tests.models.matrix import passage

pytestmark = [pytest.mark.heavy, pytest.mark.engine]


@pytest.mark.parametrize(
    "label, again", [("llama", "in place"), ("gemma2", "in place"), ("opt", "in place"), ("qwen3_moe", "restarted")]
)
def test_an_architecture_is_served_proved_trained_and_exported(tmp_path, label, again):
    row = passage(label, write_model(tmp_path / "base", BY_LABEL[label]), tmp_path)
    assert row.works, row.refused
    assert row.words["serve again"].startswith(again)
