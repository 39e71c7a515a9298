"""The family as settings."""

import importlib
import re

import pytest

from flows.config import make_config
from tasks.domain import settings
from tasks.domain.algorithms import METHODS, preset, preset_names
from tasks.domain.errors import UserError

SECTIONS = {
    "generate": settings.GenerateSettings,
    "materialize": settings.MaterializeSettings,
    "finetune": settings.FinetuneSettings,
    "loop": settings.LoopSettings,
}


def resolved(name):
    return {section: SECTIONS[section](**values) for section, values in preset(name).items()}


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid_settings(name):
    assert resolved(name)
    assert make_config({"run": {"preset": name}, "teacher": {"policy": "base"}}).run.preset == name
    assert METHODS.get(name).name == name


@pytest.mark.parametrize("name", METHODS.built_in)
def test_every_file_says_where_its_method_comes_from_and_what_it_assumes(name):
    module = importlib.import_module(METHODS.built_in[name])
    assert module.__name__.endswith(f".{name}")
    assert "Assumption: " in module.__doc__
    assert re.search(r"arXiv|20\d\d|Control arm", module.__doc__)


def test_rest_em_is_the_paper():
    run = resolved("rest_em")
    assert (run["generate"].temperature, run["generate"].top_k, sum(run["generate"].waves)) == (0.7, 40, 32)
    assert (run["materialize"].accept, run["materialize"].cap) == ("correct", 10)
    assert (run["finetune"].start, run["loop"].iterations) == ("base", 3)
    code = resolved("rest_em_code")
    assert (sum(code["generate"].waves), code["loop"].iterations) == (64, 2)


def test_control_arms_differ_from_rest_em_in_the_filter_alone():
    for name, accept in (("unfiltered", "any"), ("permuted", "permuted")):
        arm = preset(name)
        assert arm["materialize"].pop("accept") == accept
        honest = preset("rest_em")
        honest["materialize"].pop("accept")
        assert arm == honest


def test_a_preset_is_a_fresh_copy():
    preset("rest_em")["loop"]["iterations"] = 99
    assert preset("rest_em")["loop"]["iterations"] == 3


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="preset 'ppo' is not known; choose one of dart_prop2diff, "):
        preset("ppo")
