"""Programs that try to get out of a fresh container, and what they must not find. Run before any other program is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import dedent

from sandbox.job import Execution, Job
from sandbox.limits import Limits
from sandbox.settings import SandboxSettings

WORKED = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
worked = []
def attempt(name, function):
    try:
        found = function()
    except (OSError, ImportError):
        return
    if found is None or not isinstance(found, int) or found >= 0:
        worked.append(name)
"""


@dataclass(frozen=True)
class Probe:
    """One attempt; `held` says from its execution whether the sandbox held."""

    name: str
    job: Job
    held: Callable[[Execution], bool]


def probes(settings: SandboxSettings) -> list[Probe]:
    """Return all probes for a container made from these settings."""
    return [
        _nothing_works("identity and capabilities", IDENTITY + ("" if has_own_kernel(settings) else FILTER)),
        _nothing_works("files of the runner and the host", FILES),
        _nothing_works("network", NETWORK),
        _nothing_works("namespaces, mounts, other users", NAMESPACES),
        _nothing_works("kernel interfaces", KERNEL),
        _nothing_works("processes of the runner", PROCESSES),
        Probe("CPU time limit", _job("while True: pass", cpu_seconds=0.03), lambda found: found.ending == "TLE"),
        Probe("memory limit of a process", _job("'x' * (1 << 30)", memory_mb=64), lambda found: found.ending == "MLE"),
        Probe(
            "output limit",
            _job("while True: print('x' * 1000)", output_bytes=1 << 16),
            lambda found: found.ending == "OLE" and len(found.stdout) <= 1 << 16,
        ),
        Probe("process limit of a program", _job(FORKS, processes=8), lambda found: _number(found) <= 8),
        Probe(
            "process limit of the container",
            _job(THREADS, processes=10 * settings.processes),
            lambda found: 0 < _number(found) <= settings.processes,
        ),
        Probe(
            "memory limit of the container",
            _job(MEMORY, cpu_seconds=20, memory_mb=settings.container_memory_mb),
            lambda found: found.ending == "MLE",
        ),
        Probe("nothing is left", _job(LEFT), lambda found: found.stdout == b"[] []\n"),
    ]


def has_own_kernel(settings: SandboxSettings) -> bool:
    """Return whether the container has a kernel of its own: gVisor answers system calls itself, so programs do not meet the
    engine's filter."""
    return settings.runtime is not None and settings.runtime.startswith("runsc")


def canary(settings: SandboxSettings) -> Probe:
    """Return a probe that is cheap enough to run among other programs, to check that the container has not changed."""
    if settings.backend == "process":
        return Probe("canary", _job("print(sum(map(int, input().split())))"), lambda found: found.stdout == b"42\n")
    return Probe("canary", _job(CANARY), lambda found: found.ending == "OK" and found.stdout == b"42 [] [] True\n")


def _job(source: str, **limits: float) -> Job:
    merged = {"cpu_seconds": 4.0, "wall_seconds": 20.0} | limits
    return Job(dedent(source).encode(), stdin=b"20 22\n", limits=Limits(**merged))  # type: ignore[arg-type]


def _nothing_works(name: str, body: str) -> Probe:
    source = WORKED + dedent(body) + "\nprint(worked)\n"
    return Probe(name, _job(source), lambda found: found.ending == "OK" and found.stdout == b"[]\n")


def _number(found: Execution) -> int:
    text = found.stdout.strip()
    return int(text) if text.isdigit() else 1 << 30


IDENTITY = """
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
    if int(status[name], 16): worked.append(name)
if 0 in map(int, status['Uid'].split() + status['Gid'].split()): worked.append('root')
if status['Groups'].split(): worked.append('groups ' + status['Groups'])
if status['NoNewPrivs'].strip() != '1': worked.append('new privileges')
"""
FILTER = """
if status['Seccomp'].strip() != '2': worked.append('no system call filter')
"""
FILES = """
for path in ('/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock'):
    attempt(path, lambda: os.stat(path))
for path in ('/proc/1/environ', '/proc/1/fd/1', '/proc/1/mem', '/dev/mem',
             '/dev/kmsg', '/proc/kcore'):
    attempt(path, lambda: os.close(os.open(path, os.O_RDONLY)))
for path in ('/x', '/etc/x', '/opt/x', '/usr/x', '/dev/x', '/run/x', '/var/tmp/x', '/root/x', '/home/x'):
    attempt(path, lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)))
for path in ('/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/sys/fs/cgroup/cgroup.procs',
             '/sys/fs/cgroup/memory/release_agent', '/sys/fs/cgroup/release_agent', '/proc/1/oom_score_adj'):
    attempt(path, lambda: os.close(os.open(path, os.O_WRONLY)))
attempt('mknod', lambda: os.mknod('/tmp/device', 0o20666, os.makedev(1, 1)))
"""
NETWORK = """
import socket
def connect(address):
    with socket.socket() as s:
        s.settimeout(2)
        s.connect(address)
attempt('loopback', lambda: connect(('127.0.0.1', 80)))
attempt('metadata address', lambda: connect(('169.254.169.254', 80)))
attempt('abstract unix socket', lambda: socket.socket(socket.AF_UNIX).bind('\\0x'))
names = [line.split(':')[0].strip() for line in open('/proc/net/dev').readlines()[2:]]
worked += [name for name in names if name not in ('lo', 'tunl0', 'sit0', 'ip6tnl0', 'gre0', 'gretap0', 'erspan0',
                                                  'ip_vti0', 'ip6_vti0', 'ip6gre0')]
"""
NAMESPACES = """
for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
    attempt(f'unshare {flag:x}', lambda: libc.unshare(flag))
attempt('mount', lambda: libc.mount(b'none', b'/tmp', b'tmpfs', 0, None))
attempt('chroot', lambda: os.chroot('/tmp'))
for uid in (0, 1, os.getuid() - 1, os.getuid() + 1):
    attempt(f'setuid {uid}', lambda: os.setuid(uid))
    attempt(f'setgid {uid}', lambda: os.setgid(uid))
"""
KERNEL = """
import platform, signal
def answer(number):
    pid = os.fork()
    if pid == 0:
        libc.syscall(number, 0, 0, 0, 0, 0, 0)
        os._exit(ctypes.get_errno())
    _, status = os.waitpid(pid, 0)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
x86 = dict(io_uring_setup=425, bpf=321, userfaultfd=323, keyctl=250, add_key=248, perf_event_open=298, ptrace=101,
           process_vm_readv=310, process_vm_writev=311, shmget=29, msgget=68, semget=64, mq_open=240, finit_module=313)
arm = dict(io_uring_setup=425, bpf=280, userfaultfd=282, keyctl=219, add_key=217, perf_event_open=241, ptrace=117,
           process_vm_readv=270, process_vm_writev=271, shmget=194, msgget=186, semget=190, mq_open=180, finit_module=273)
for name, number in (x86 if platform.machine() == 'x86_64' else arm).items():
    if (found := answer(number)) not in (1, 13, 38, 'SIGSYS'): worked.append(f'{name}: {found}')
"""
PROCESSES = """
import resource, signal
for pid in (1, os.getppid()):
    for number in (0, signal.SIGKILL, signal.SIGSTOP, signal.SIGINT):
        attempt(f'signal {number} to {pid}', lambda: os.kill(pid, number))
    attempt(f'limits of {pid}', lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)))
    attempt(f'memory of {pid}', lambda: os.close(os.open(f'/proc/{pid}/mem', os.O_RDONLY)))
"""
FORKS = """
import os, time
count = 1
try:
    while count < 100_000:
        if os.fork() == 0: time.sleep(60)
        count += 1
except OSError:
    print(count)
"""
THREADS = """
import _thread, os, time
_thread.stack_size(1 << 16)
count = 1
try:
    while count < 100_000:
        _thread.start_new_thread(time.sleep, (60,))
        count += 1
except RuntimeError:
    os.write(1, b'%d' % count)
    os._exit(0)
"""
MEMORY = """
import mmap, os, time
children = []
for _ in range(3):
    children.append(os.fork())
    if children[-1] == 0: break
kept = mmap.mmap(-1, SIZE // 2, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)  # filled by one system call
if 0 not in children: os.wait()  # until one of them is killed
else: time.sleep(60)
""".replace("SIZE", "int(open('/proc/self/limits').read().split('Max address space')[1].split()[0])")
LEFT = """
import os
pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]
print([pid for pid in pids if pid != os.getpid() and os.stat(f'/proc/{pid}').st_uid == os.getuid()], os.listdir('/tmp'))
"""
CANARY = """
import os
foreign = []
for name in os.listdir('/proc'):
    if name.isdigit() and int(name) != os.getpid() and os.stat(f'/proc/{name}').st_uid != 0: foreign.append(name)
print(sum(map(int, input().split())), foreign, os.listdir('/tmp'), os.getuid() > 999 and not os.access('/', os.W_OK))
"""
