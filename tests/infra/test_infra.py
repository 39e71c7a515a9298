"""The manifests are what they say: Kubernetes schemas, the device and shared memory asked for, no secret written down."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
MANIFESTS = [
    (path.name, document)
    for path in sorted((INFRA / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
WORKLOADS = [document for _, document in MANIFESTS if document["kind"] in ("Deployment", "Job")]
SECRETS = ("AUTH_STRING", "PASSWORD", "SECRET_ACCESS_KEY", "ACCESS_KEY_ID", "TOKEN", "NOTIFY_URL")


@pytest.mark.parametrize("document", [d for _, d in MANIFESTS], ids=[f"{n}-{d['kind']}" for n, d in MANIFESTS])
def test_a_manifest_is_what_the_kubernetes_schema_wants(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.utils.latest_version(), strict=True)


def test_the_schema_check_can_fail() -> None:
    broken = {**WORKLOADS[0], "spec": {**WORKLOADS[0]["spec"], "replcas": 2}}
    with pytest.raises(kubernetes_validate.utils.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.utils.latest_version(), strict=True)


def test_the_gpu_worker_asks_for_a_gpu_and_for_shared_memory() -> None:
    pod = next(one for one in WORKLOADS if one["metadata"]["name"] == "worker-gpu")["spec"]["template"]["spec"]
    (worker,) = pod["containers"]
    assert int(worker["resources"]["limits"]["nvidia.com/gpu"]) >= 1
    mounts = {mount["mountPath"]: mount["name"] for mount in worker["volumeMounts"]}
    memory = next(volume for volume in pod["volumes"] if volume["name"] == mounts["/dev/shm"])["emptyDir"]
    assert memory["medium"] == "Memory" and int(memory["sizeLimit"].removesuffix("Gi")) >= 8
    assert yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]["worker-gpu"]["shm_size"] == "16gb"
    compose = yaml.safe_load((INFRA / "compose.gpu.yaml").read_text())["services"]["worker-gpu"]
    assert compose["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]


def test_nothing_runs_as_root_or_with_the_clusters_own_token() -> None:
    for one in WORKLOADS:
        pod = one["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert all(not c["securityContext"]["allowPrivilegeEscalation"] for c in pod["containers"])


def test_no_worker_gets_the_docker_socket_of_its_host() -> None:
    text = "".join(path.read_text() for path in INFRA.rglob("*.yaml"))
    assert "docker.sock" not in text
    services = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]
    assert [name for name, one in services.items() if one.get("privileged")] == ["sandbox-host"]
    assert services["sandbox-host"]["networks"] == ["sandbox"]
    assert yaml.safe_load((INFRA / "compose.yaml").read_text())["networks"]["sandbox"]["internal"]
    assert all(port.startswith("127.0.0.1:") for one in services.values() for port in one.get("ports", []))


def test_what_is_untried_says_so() -> None:
    """From the first line where the whole file is; in the comment above where some of it is."""
    for path in [*(INFRA / "kubernetes").glob("*.yaml"), INFRA / "compose.gpu.yaml"]:
        assert "UNTRIED" in path.read_text().splitlines()[0], path
    for path in (INFRA / "compose.yaml", INFRA / "images" / "Dockerfile"):
        head = path.read_text().split("\n\n")[0]
        assert "UNTRIED" in head and "make images-test" in head, path


def test_every_secret_comes_from_the_environment() -> None:
    """In all tracked manifests and configs a name that means a secret stands beside a reference, never a value."""
    listed = subprocess.run(
        ["git", "ls-files", "infra", "deployments"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    line = re.compile(rf"^\s*-?\s*\w*(?:{'|'.join(SECRETS)})\w*\s*[:=]\s*(?P<value>\S+)")
    for name in listed:
        for text in (ROOT / name).read_text(errors="replace").splitlines():
            found = line.match(text)
            assert found is None or found["value"].strip("\"'").startswith("${"), f"{name}: {text}"
