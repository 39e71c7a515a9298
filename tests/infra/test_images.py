"""What `make images-test` builds and runs is what the compose files say, and pip's configuration reaches the builds; the run itself is by hand."""

from __future__ import annotations

import re
import urllib.request
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.images_test.index import build_arguments, settings_of
from infra.images_test.rights import CAPABILITIES, missing_capabilities, sandbox_host_without
from infra.images_test.stack import FILES, IMAGES

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
DOCKERFILES = [INFRA / "images" / "Dockerfile", INFRA / "images" / "services.Dockerfile"]
COMPOSE = sorted(INFRA.glob("compose*.yaml"))


def services(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())["services"]


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_a_compose_file_says_only_what_compose_1_29_reads_too(path: Path) -> None:
    """`name` is newer; the project's name stands in env.example."""
    sections = {key for key in yaml.safe_load(path.read_text()) if not key.startswith("x-")}
    assert sections <= {"services", "networks", "volumes"}
    assert "COMPOSE_PROJECT_NAME=restem" in (INFRA / "env.example").read_text().splitlines()


def test_every_image_of_a_registry_has_one_from_debians_packages() -> None:
    public = {name for name, one in services(ROOT / FILES[0]).items() if not one["image"].startswith("restem/")}
    assert public == set(services(ROOT / FILES[1]))


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_a_service_of_our_images_says_how_to_build_it(path: Path) -> None:
    """Compose looks for an image without that in a registry, also where another service builds it."""
    for name, one in services(path).items():
        if one.get("image", "").startswith("restem/"):
            dockerfile = ROOT / one["build"]["dockerfile"]
            assert f"AS {one['build']['target']}\n" in dockerfile.read_text(), name


def test_the_run_builds_every_image_of_its_own() -> None:
    files = [services(ROOT / name) for name in FILES]
    assert set(IMAGES.values()) == {
        one["image"] for file in files for one in file.values() if one["image"].startswith("restem/")
    }


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_an_image_copies_is_there_and_in_the_build_context(path: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.+)$", path.read_text(), re.M) for word in line.split()[:-1]
    ]
    assert copied and "*" in ignored
    for word in copied:
        assert list(ROOT.glob(word)), word
        assert any(fnmatch(word.split("/")[0], one) for one in allowed), word


def test_every_entrypoint_and_the_code_that_it_names_is_there() -> None:
    text = (INFRA / "entrypoint.sh").read_text()
    words = {one["command"][0] for one in services(ROOT / FILES[0]).values() if one["image"].startswith("restem/")}
    assert all(re.search(rf"^  {word}\)", text, re.M) for word in words)
    for module in re.findall(r"python -m (flows\S+|tasks\S+)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module


def test_pips_environment_wins_over_its_files() -> None:
    listing = (
        ":env:.find-links='/wheels'\nglobal.find-links='/old'\nuser.index-url='https://index.example/simple'\nnoise"
    )
    assert settings_of(listing) == {"find-links": "/wheels", "index-url": "https://index.example/simple"}


def test_a_folder_of_wheels_is_served_while_images_are_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made-1-py3-none-any.whl").write_bytes(b"wheel")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    with build_arguments("127.0.0.1") as arguments:
        assert arguments["PIP_INDEX_URL"] == "https://index.example/simple"
        page = urllib.request.urlopen(arguments["PIP_FIND_LINKS"], timeout=20).read().decode()
    assert "made-1-py3-none-any.whl" in page


def test_a_page_of_wheels_is_handed_on_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "https://wheels.example/cpu")
    with build_arguments("127.0.0.1") as arguments:
        assert arguments["PIP_FIND_LINKS"] == "https://wheels.example/cpu"


@pytest.mark.parametrize(
    "mask, missing", [("000001ffffffffff", []), ("000001fffeffffff", ["SYS_RESOURCE"]), ("000001fffffffffe", ["CHOWN"])]
)
def test_rights_that_this_machine_lacks_are_not_asked_for(mask: str, missing: list[str]) -> None:
    assert missing_capabilities(f"Name:\tx\nCapEff:\t0\nCapBnd:\t{mask}\n") == missing
    host = sandbox_host_without(missing)["services"]["sandbox-host"]
    assert host["privileged"] is False and set(host["cap_add"]) == set(CAPABILITIES) - set(missing)
