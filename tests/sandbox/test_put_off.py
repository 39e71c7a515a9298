"""What only `ssh://` hosts need is loaded when one is used."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import sys
import sandbox.hosts.docker_py
assert "docker.transport.sshconn" in sys.modules
print("paramiko.transport" in sys.modules)
import docker.transport.sshconn
assert docker.transport.sshconn.paramiko.SSHClient().get_host_keys() is not None
import paramiko.config
assert paramiko.config.SSHConfig is docker.transport.sshconn.paramiko.SSHConfig
print("paramiko.transport" in sys.modules, paramiko.__name__, hasattr(paramiko, "no_such_name"))
"""


def test_the_ssh_library_is_loaded_by_the_first_use_and_is_the_same_everywhere() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "True", "paramiko", "False"], done.stderr
