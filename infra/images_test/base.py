"""The base image where no registry can be reached: Debian by debootstrap, from this machine's own mirror, trusting what this machine trusts."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from infra.images_test.engine import Engine

BASE = "restem-debian"
PACKAGES = "ca-certificates,python3-venv"
CERTIFICATES, BUNDLE = Path("usr/local/share/ca-certificates"), "/etc/ssl/certs/ca-certificates.crt"
LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache", "var/lib/apt/lists", "dev")


def make_base(engine: Engine) -> None:
    """Make the image `BASE` unless the engine has it."""
    if engine.docker("images", "--quiet", BASE).strip():
        return
    with tempfile.TemporaryDirectory(prefix="restem-base-") as folder:
        root = Path(folder) / "root"
        argv = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", _suite(), str(root), _mirror(_suite())]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"debootstrap failed: {done.stdout[-500:]} {done.stderr[-500:]}")
        _trust(root)
        _import(engine, root)


def _suite() -> str:
    lines = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return lines["VERSION_CODENAME"].strip('"')


def _mirror(suite: str) -> str:
    """Return where this machine's apt has the suite from."""
    asked = ["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"]
    for line in subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines():
        release, component, uri = line.split(maxsplit=2)
        if (release, component) == (suite, "main"):
            return uri
    raise SystemExit(
        f"apt's sources on this machine name no mirror of {suite} main; add one to /etc/apt/sources.list.d"
    )


def _trust(root: Path) -> None:
    """Give the image the certificates that were added to this machine's: a place that has some needs them to reach anything."""
    for one in Path("/", CERTIFICATES).glob("*.crt"):
        shutil.copy(one, root / CERTIFICATES / one.name)
    subprocess.run(["chroot", str(root), "update-ca-certificates"], check=True, capture_output=True)


def _import(engine: Engine, root: Path) -> None:
    options = [f"--exclude=./{path}/*" for path in LEFT_OUT]
    environment = [
        f"--change=ENV {name}={BUNDLE}" for name in ("SSL_CERT_FILE", "PIP_CERT")
    ]  # Python's tools bring bundles of their own
    tar = subprocess.Popen(["tar", "-C", str(root), *options, "-c", "."], stdout=subprocess.PIPE)
    try:
        argv = ["docker", "import", *environment, "-", BASE]
        subprocess.run(argv, env=engine.environment, stdin=tar.stdout, stdout=subprocess.DEVNULL, check=True)
    finally:
        if tar.stdout is not None:
            tar.stdout.close()
        if tar.wait():
            raise SystemExit(f"tar of {root} failed with code {tar.returncode}")
