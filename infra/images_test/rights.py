"""A sandbox host for a machine whose root lacks rights that `privileged` would ask for (inside some virtual machines CAP_SYS_RESOURCE)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CAPABILITIES = (  # by number (linux/capability.h), as far as Docker 20.10 knows them; an engine needs none of the newer ones
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL",
    "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST",
    "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
    "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE",
    "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
    "BLOCK_SUSPEND", "AUDIT_READ",
)  # fmt: skip


def missing_capabilities(status: str) -> list[str]:
    """Return what the bounding set in a /proc/PID/status leaves out."""
    mask = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:")), 16)
    return [name for bit, name in enumerate(CAPABILITIES) if not mask >> bit & 1]


def sandbox_host_without(missing: list[str]) -> dict[str, Any]:
    """Return a compose file that gives the sandbox host what `privileged` means, less what is missing."""
    return {
        "services": {
            "sandbox-host": {
                "privileged": False,
                "cap_add": [name for name in CAPABILITIES if name not in missing],
                "security_opt": ["seccomp:unconfined", "apparmor:unconfined"],
                "volumes": ["/sys/fs/cgroup:/sys/fs/cgroup:rw"],
            }
        }
    }


def missing_here() -> list[str]:
    return missing_capabilities(Path("/proc/self/status").read_text())
