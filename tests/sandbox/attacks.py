"""Hostile programs, each with the endings that it may have and what its stdout may say. Others of the same kinds exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import dedent

from sandbox.job import Execution
from sandbox.limits import Limits

Check = Callable[[Execution], bool]
LIMITS = Limits(cpu_seconds=0.6, wall_seconds=4.0, memory_mb=256, output_bytes=1 << 20)


@dataclass(frozen=True)
class Attack:
    """`anywhere`: meaningful without a container too, and harmless there. `times`: a race, which is not won each time."""

    name: str
    source: bytes
    endings: str
    check: Check = lambda found: True
    stdin: bytes = b""
    limits: Limits = LIMITS
    anywhere: bool = False
    times: int = 1


def attack(name: str, source: str | bytes, endings: str, check: Check | None = None, **more: object) -> Attack:
    text = source if isinstance(source, bytes) else dedent(source).encode()
    return Attack(name, text, endings, check or (lambda found: True), **more)  # type: ignore[arg-type]


def says(text: bytes) -> Check:
    return lambda found: found.stdout.strip() == text


def complains(text: str) -> Check:
    return lambda found: text in found.stderr_tail


def at_the_limit(found: Execution) -> bool:
    return abs(found.cpu_seconds - LIMITS.cpu_seconds) <= 0.1 * LIMITS.cpu_seconds


# A program of this kind tries things and prints the names of those that worked: none may.
TRIES = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
worked = []
def attempt(name, function):
    try:
        found = function()
    except (OSError, ImportError, AttributeError, ValueError):
        return
    if found is None or not isinstance(found, int) or found >= 0:
        worked.append(name)
def syscall(number, *arguments):
    return libc.syscall(number, *arguments)
"""


def tries(name: str, body: str, **more: object) -> Attack:
    source = TRIES + dedent(body) + "\nprint(worked)\n"
    return attack(name, source, "OK SECURITY", lambda found: found.ending != "OK" or says(b"[]")(found), **more)


# Numbers of x86-64; the last is `getpid` in the x32 ABI, which no filter of ours knows.
FATAL_CALLS = {"io_uring_setup": 425, "bpf": 321, "userfaultfd": 323, "keyctl": 250, "add_key": 248, "request_key": 249}
FATAL_CALLS |= {"perf_event_open": 298, "kexec_load": 246, "init_module": 175, "of another ABI": 0x40000000 | 39}

EXHAUSTION = [
    attack("busy loop", "while True: pass", "TLE", at_the_limit, anywhere=True),
    attack(
        "sleep",
        "import time; time.sleep(1e6)",
        "IDLE",
        lambda found: 1 <= found.wall_seconds < 10,
        limits=Limits(cpu_seconds=1, wall_seconds=1),
        anywhere=True,
    ),
    attack("past the end of stdin", "input(); input()", "RE", complains("EOFError"), stdin=b"1\n", anywhere=True),
    attack(
        "a loop in C",
        "import collections, itertools; collections.deque(itertools.product('ab', repeat=60), maxlen=0)",
        "TLE",
        anywhere=True,
    ),
    attack("a product in memory", "import itertools; list(itertools.product(range(99), repeat=20))", "TLE MLE"),
    attack("one huge string", "'a' * 10**11", "MLE", anywhere=True),
    attack("memory page by page", "kept = []\nwhile True: kept.append(bytearray(1 << 20))", "MLE", anywhere=True),
    attack("memory by mmap", "import mmap\nk = []\nwhile True: k.append(mmap.mmap(-1, 1 << 24))", "MLE", anywhere=True),
    attack("fork bomb", "import os\nwhile True: os.fork()", "RE TLE"),
    attack(
        "fork bomb that catches",
        """
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
        """,
        "TLE",
    ),
    attack(
        "ten thousand threads",
        """
        import threading, time
        for _ in range(10_000): threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
        """,
        "RE",
        anywhere=True,
    ),
    attack("endless stdout", "while True: print('x' * 1000)", "OLE", lambda f: len(f.stdout) == 1 << 20, anywhere=True),
    attack(
        "endless stdout that catches",
        """
        import os
        while True:
            try:
                os.write(1, b'x' * 65536)
            except OSError:
                pass
        """,
        "OLE",
        lambda found: len(found.stdout) == 1 << 20,
        anywhere=True,
    ),
    attack("stderr flood", "import sys\nwhile True: sys.stderr.write('x' * 65536)", "TLE OLE", anywhere=True),
    attack(
        "timers without end",
        """
        import ctypes
        libc, number, made = ctypes.CDLL(None, use_errno=True), ctypes.c_int(), 0
        event = (ctypes.c_int * 16)(0, 0, 0, 1)
        while libc.syscall(222, 0, event, ctypes.byref(number)) == 0: made += 1
        print(made <= 1024)
        """,
        "OK",
        says(b"True"),
    ),
    attack(
        "its main thread gone",
        """
        import ctypes, threading
        def loop():
            while True: pass
        threading.Thread(target=loop).start()
        ctypes.CDLL(None).syscall(60, 0)
        """,
        "TLE",
        at_the_limit,
    ),
    attack(
        "waiting in a way that looks like work",
        """
        import ctypes, time
        if ctypes.CDLL(None).vfork() == 0: time.sleep(1e6)
        time.sleep(1e6)
        """,
        "IDLE",
        lambda found: 1 <= found.wall_seconds < 10,
        limits=Limits(cpu_seconds=1, wall_seconds=1),
    ),
    attack(
        "waiting under a name that is no text",
        "import ctypes, time\nctypes.CDLL(None).prctl(15, b') R \\xff\\n', 0, 0, 0)\ntime.sleep(1e6)",
        "IDLE",
        limits=Limits(cpu_seconds=1, wall_seconds=1),
    ),
    attack(
        "full tmp",
        """
        import os
        for i in range(10**6): open(f'/tmp/{i}', 'wb').write(bytes(1 << 20))
        """,
        "RE",
        complains("No space left"),
    ),
    attack("a million empty files", "for i in range(10**6): open(f'/tmp/{i}', 'w').close()", "RE"),
    attack("huge power", "x = 10**10**8; str(x)", "TLE", anywhere=True),
    attack(
        "recursion with a huge limit",
        "import sys; sys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1) + 1\nf(0)",
        "RE",
        limits=Limits(cpu_seconds=4, memory_mb=256),
        anywhere=True,
    ),
    attack(
        "recursion through C",
        """
        import sys; sys.setrecursionlimit(10**9)
        class A:
            def __getattr__(self, name): return getattr(self, name + 'x')
        A().a
        """,
        "RE MLE TLE",
        limits=Limits(cpu_seconds=4, memory_mb=256),
    ),
    attack("five megabytes of brackets", b"(" * 5_000_000, "CE RE", limits=Limits(cpu_seconds=4), anywhere=True),
    attack("catastrophic regex", "import re; re.match(r'(a+)+$', 'a' * 60 + 'b')", "TLE", anywhere=True),
    attack("null pointer", "import ctypes; ctypes.string_at(0)", "RE", lambda found: found.signal == 11, anywhere=True),
    attack(
        "signals ignored",
        """
        import signal
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True: pass
        """,
        "TLE",
        at_the_limit,
        anywhere=True,
    ),
    attack("CPU in a forked child", "import os\nif os.fork():\n  os.wait()\nwhile True: pass", "TLE", at_the_limit),
    attack(
        "CPU in children that nobody waits for",
        """
        import os, signal, time
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            if os.fork() == 0:
                end = time.process_time() + 0.05
                while time.process_time() < end: pass
                os._exit(0)
            time.sleep(0.06)
        """,
        "TLE",
        limits=Limits(cpu_seconds=0.6, wall_seconds=20),
    ),
    attack(
        "memory over many processes",
        """
        import os, time
        for _ in range(16):
            if os.fork() == 0:
                kept = bytearray(200 << 20)
                for at in range(0, len(kept), 4096): kept[at] = 1
                time.sleep(60)
        time.sleep(60)
        """,
        "MLE",
        limits=Limits(cpu_seconds=4, wall_seconds=3, memory_mb=256),
    ),
    attack(
        "memory in files without a name",
        """
        import os, time
        for _ in range(4): os.fork()
        fds = []
        while True:
            try:
                fds.append(os.memfd_create('x')); os.write(fds[-1], bytes(1 << 20))
            except OSError:
                time.sleep(0.01)
        """,
        "MLE RE IDLE TLE HOSTILE",
        limits=Limits(cpu_seconds=2, wall_seconds=3),
    ),
    attack(
        "memory in pipes",
        """
        import fcntl, os
        ends = []
        while True:
            r, w = os.pipe(); ends.append((r, w)); os.set_blocking(w, False)
            fcntl.fcntl(w, 1031, 1 << 20)
            os.write(w, bytes(1 << 20))
        """,
        "RE MLE",
    ),
]

ESCAPE = [
    tries(
        "network",
        """
        import socket
        def connect(address):
            with socket.socket() as s:
                s.settimeout(1); s.connect(address)
        attempt('loopback', lambda: connect(('127.0.0.1', 22)))
        attempt('metadata', lambda: connect(('169.254.169.254', 80)))
        attempt('dns', lambda: socket.getaddrinfo('example.org', 80))
        for family in range(1, 46):
            attempt(f'family {family}', lambda: socket.socket(family, socket.SOCK_RAW))
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            attempt('unix', lambda: socket.socket(socket.AF_UNIX, kind).bind('\\0abstract'))
        """,
    ),
    tries(
        "files of the host",
        """
        for path in ('/var/run/docker.sock', '/run/docker.sock', '/proc/1/root', '/proc/1/environ', '/proc/1/mem',
                     '/proc/1/fd/0', '/proc/1/fd/1', '/proc/kcore', '/dev/mem', '/dev/kmsg', '/dev/vda', '/dev/sda'):
            attempt(path, lambda: os.close(os.open(path, os.O_RDONLY)))
            attempt('list ' + path, lambda: os.listdir(path) and None)
        for path in ('/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname',
                     '/sys/fs/cgroup/memory/release_agent', '/sys/fs/cgroup/release_agent', '/sys/kernel/uevent_helper',
                     '/sys/fs/cgroup/cgroup.procs', '/sys/fs/cgroup/memory/cgroup.procs', '/proc/1/oom_score_adj'):
            attempt(path, lambda: os.close(os.open(path, os.O_WRONLY)))
        """,
    ),
    tries(
        "other users and roots",
        """
        import subprocess
        for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
            attempt(f'unshare {flag:x}', lambda: libc.unshare(flag))
            attempt(f'clone {flag:x}', lambda: syscall(56, flag | 17, 0, 0, 0, 0) or os._exit(0))
        attempt('mount', lambda: libc.mount(b'none', b'/tmp', b'tmpfs', 0, None))
        attempt('chroot', lambda: os.chroot('/tmp'))
        attempt('pivot_root', lambda: syscall(155, b'/tmp', b'/tmp'))
        attempt('setns', lambda: libc.setns(os.open('/proc/self/ns/net', os.O_RDONLY), 0))
        for uid in (0, 1, os.getuid() - 1, os.getuid() + 1):
            attempt(f'setuid {uid}', lambda: os.setuid(uid))
            attempt(f'setresuid {uid}', lambda: os.setresuid(uid, uid, uid))
            attempt(f'setgid {uid}', lambda: os.setgid(uid))
        attempt('setgroups', lambda: os.setgroups([0]))
        for root, _, names in os.walk('/'):
            for name in names:
                path = os.path.join(root, name)
                if not root.startswith(('/proc', '/sys')) and not os.path.islink(path) and os.stat(path).st_mode & 0o6000:
                    worked.append('setuid ' + path)
        """,
        limits=Limits(cpu_seconds=4),
    ),
    tries(
        "kernel interfaces",
        """
        numbers = dict(io_uring_setup=425, bpf=321, userfaultfd=323, keyctl=250, add_key=248, request_key=249,
            perf_event_open=298, ptrace=101, process_vm_readv=310, process_vm_writev=311, kexec_load=246, init_module=175,
            finit_module=313, open_by_handle_at=304, name_to_handle_at=303, shmget=29, semget=64, msgget=68, mq_open=240,
            personality=135, pidfd_getfd=438, fanotify_init=300, swapon=167, reboot=169, syslog=103, mount_setattr=442,
            open_tree=428, fsopen=430, move_mount=429, acct=163, quotactl=179, settimeofday=164, clock_settime=227,
            sethostname=170, iopl=172, ioperm=173, lookup_dcookie=212, kcmp=312, memfd_secret=447, process_madvise=440,
            landlock_create_ruleset=444, seccomp=317, modify_ldt=154, vhangup=153, migrate_pages=256, move_pages=279)
        for name, number in numbers.items():
            if os.fork() == 0:  # some are the end of the process
                attempt(name, lambda: syscall(number, 0, 0, 0, 0, 0, 0))
                os._exit(len(worked))
            if os.waitstatus_to_exitcode(os.wait()[1]) not in (0, -signal.SIGSYS):
                worked.append(name)
        """,
    ),
    *(
        attack(
            f"system call {name}",
            f"import ctypes\nctypes.CDLL(None).syscall({number}, 0, 0, 0, 0, 0, 0)\nprint('alive')",
            "SECURITY",
            lambda found: (found.stdout, found.signal) == (b"", 31),
        )
        for name, number in FATAL_CALLS.items()
    ),
    attack(
        "a fatal system call in a thread",
        """
        import ctypes, threading, time
        threading.Thread(target=lambda: ctypes.CDLL(None).syscall(321, 0, 0, 0)).start()
        time.sleep(3)
        print('alive')
        """,
        "SECURITY",
        says(b""),
    ),
    tries(
        "relations and messages that nobody needs",
        """
        import socket
        def sibling():
            pid = syscall(56, 0x8000 | 17, 0, 0, 0, 0)
            return pid if pid else os._exit(0)
        attempt('a sibling, which only the zygote could bury', sibling)
        left, right = socket.socketpair()
        attempt('out of band', lambda: left.send(b'x', socket.MSG_OOB))
        attempt('out of band, received', lambda: right.recv(1, socket.MSG_OOB | socket.MSG_DONTWAIT) and None)
        attempt('a message queue', lambda: os.open('/dev/mqueue/x', os.O_CREAT | os.O_RDWR))
        """,
    ),
    tries(
        "the interpreter's files",
        """
        import json, site
        for path in ('/opt/restem/inside/supervisor.py', '/opt/x', json.__file__, '/etc/passwd', '/usr/x', '/x', '/dev/x',
                     os.path.dirname(json.__file__) + '/../sitecustomize.py', '/usr/bin/python3', '/run/x', '/var/tmp/x',
                     '/dev/shm/../x', '/var/lock/x', '/home/x', '/proc/self/x', '/sys/x'):
            attempt(path, lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)))
        """,
    ),
    tries(
        "devices",
        """
        import stat
        for kind in (stat.S_IFBLK, stat.S_IFCHR):
            attempt('mknod', lambda: os.mknod('/tmp/device', kind | 0o666, os.makedev(1, 1)))
        for path in ('/dev/mem', '/dev/kmsg', '/dev/port', '/dev/kvm', '/dev/fuse', '/dev/loop0', '/dev/net/tun'):
            attempt(path, lambda: os.close(os.open(path, os.O_RDWR)))
        """,
    ),
]

CHEATING = [
    attack(
        "search of memory",
        """
        import gc, re
        found, wanted = [], re.compile(b'EXP' b'ECTED-[0-9a-f]{8}')
        for line in open('/proc/self/maps'):
            span, mode = line.split()[:2]
            low, high = (int(part, 16) for part in span.split('-'))
            if 'r' in mode and 'v' not in line.split()[-1]:
                try:
                    with open('/proc/self/mem', 'rb', 0) as memory:
                        memory.seek(low); data = memory.read(high - low)
                except OSError:
                    continue
                found += wanted.findall(data)
        print(len(found))
        """,
        "OK",
        says(b"0"),
        limits=Limits(cpu_seconds=4),
    ),
    attack(
        "search of files, environment and descriptors",
        """
        import os
        print(sorted(os.environ), sorted(os.listdir('/tmp')), [fd for fd in map(int, os.listdir('/proc/self/fd')) if fd > 3])
        """,
        "OK",
        says(b"['HOME', 'LANG', 'PATH'] [] []"),
    ),
    attack("left early", "import os; os._exit(0)", "OK", says(b""), anywhere=True),
    attack("left politely", "import sys; sys.exit(0)\nprint('right')", "OK", says(b""), anywhere=True),
    attack("right but exit code 1", "print('right'); raise SystemExit(1)", "RE", anywhere=True),
    attack(
        "right but a crash in atexit",
        "import atexit; atexit.register(lambda: 1 / 0); print('right')",
        "RE",
        anywhere=True,
    ),
    attack(
        "right but killed in atexit",
        "import atexit, os; atexit.register(os.abort); print('right')",
        "RE",
        lambda found: found.signal == 6,
        anywhere=True,
    ),
    attack(
        "bytes that are no text",
        "import os; os.write(1, b'\\0\\xff\\xed\\xa0\\x80 nan 1_000 \\xd9\\xa3\\n')",
        "OK",
        says(b"\0\xff\xed\xa0\x80 nan 1_000 \xd9\xa3"),
        anywhere=True,
    ),
    attack("a lone surrogate", "print('\\ud800')", "RE", complains("UnicodeEncodeError"), anywhere=True),
    attack("exit codes of the runner", "import os; os._exit(101)", "CE RE", anywhere=True),
]

INTERFERING = [
    attack("kill everything", "import os, signal; os.kill(-1, 9)", "RE OK"),
    attack("stop its group", "import os, signal; os.killpg(0, signal.SIGSTOP)", "IDLE", limits=Limits(wall_seconds=1)),
    attack(
        "a daemon that writes files",
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                n = 0
                while True:
                    n += 1
                    try: open(f'/tmp/late{n}', 'w').close()
                    except OSError: pass
            os._exit(0)
        time.sleep(0.2)
        """,
        "OK TLE",
    ),
    attack(
        "a daemon that keeps stdout",
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            time.sleep(0.5)
            while True: os.write(1, b'late')
        os.write(1, b'in time')
        """,
        "OK",
        says(b"in time"),
    ),
    attack(
        "files made up to the last moment",
        """
        import os, time
        for _ in range(24):
            if os.fork() == 0:
                os.setsid()
                number = 0
                while True:
                    number += 1
                    name = f'/tmp/{os.getpid()}.{number}'
                    try: os.mkdir(name); os.rename(name, name + 'x'); os.rmdir(name + 'x')
                    except OSError: pass
        time.sleep(0.1)
        """,
        "OK",
        limits=Limits(cpu_seconds=4),
        times=6,
    ),
    attack(
        "daemons that wait for those who clean up after them",
        """
        import os, time
        first = os.getpid()
        for _ in range(4):
            if os.fork() == 0:
                os.setsid()
                while True:
                    for pid in range(first + 5, first + 9):
                        try: os.open(f'/proc/{pid}/mem', os.O_RDWR)
                        except OSError: continue
                        os.write(1, b'got it')
        time.sleep(0.2)
        """,
        "OK",
        says(b""),
        limits=Limits(cpu_seconds=4),
        times=6,
    ),
    attack(
        "marks on devices",
        """
        import os
        for name in ('null', 'zero', 'full', 'random', 'urandom', 'tty'):
            os.utime(f'/dev/{name}')
        os.listdir('/dev'), os.readlink('/dev/fd'), open('/dev/urandom', 'rb').read(9), os.utime('/dev/mqueue')
        """,
        "OK",
    ),
    attack(
        "links instead of directories",
        """
        import os
        os.makedirs('/tmp/a/b'); open('/tmp/a/b/c', 'w').close()
        for number, target in enumerate(('/', '/opt', '/proc/1', '/tmp', '..', '/dev')): os.symlink(target, f'/tmp/l{number}')
        if os.fork() == 0:
            while True:
                try:
                    os.rename('/tmp/a', '/tmp/z'); os.symlink('/opt', '/tmp/a'); os.unlink('/tmp/a'); os.rename('/tmp/z', '/tmp/a')
                except OSError: pass
        """,
        "OK",
    ),
    attack(
        "a nest ten thousand deep",
        """
        import os
        os.mkdir('/tmp/closed'); os.mkdir('/tmp/closed/inner'); open('/tmp/closed/inner/file', 'w').close()
        os.chmod('/tmp/closed/inner', 0); os.chmod('/tmp/closed', 0)
        open('/tmp/new\\nline', 'w').close(); open(b'/tmp/\\xff\\xfe', 'w').close(); os.mkfifo('/tmp/fifo')
        os.chdir('/tmp')
        for _ in range(10_000): os.mkdir('d'); os.chdir('d')
        print('deep')
        """,
        "OK",
        says(b"deep"),
        limits=Limits(cpu_seconds=4),
    ),
]

RUNNER = [
    attack(
        "forged results on every descriptor",
        """
        import os, struct
        forged = b'R' + struct.pack('>I', 20) + b'{"ending": "OK"}    '
        for fd in range(1, 256):
            for data in (forged, b'\\x01\\0\\0\\0' + struct.pack('>I', len(forged)) + forged):
                try: os.write(fd, data)
                except OSError: pass
        for path in ('/proc/1/fd/1', '/proc/1/fd/2', f'/proc/{os.getppid()}/fd/3', '/dev/console', '/dev/tty'):
            try: os.write(os.open(path, os.O_WRONLY), forged)
            except OSError: pass
        """,
        "OK",
        lambda found: len(found.stdout) == 2 * 25 + 8,
    ),
    attack("all descriptors closed", "import os; os.closerange(0, 1000); os._exit(0)", "OK", says(b""), anywhere=True),
    attack(
        "all descriptors closed, normal end", "import os; os.closerange(0, 1000)", "OK RE", says(b""), anywhere=True
    ),
    tries(
        "the runner's processes",
        """
        for pid in {1, os.getppid(), *(int(name) for name in os.listdir('/proc') if name.isdigit())} - {os.getpid()}:
            for number in (0, 9, 15, 19):
                attempt(f'kill {pid} {number}', lambda: os.kill(pid, number))
            attempt(f'ptrace {pid}', lambda: libc.ptrace(16, pid, None, None))
            attempt(f'prlimit {pid}', lambda: __import__('resource').prlimit(pid, 0, (1, 1)))
            attempt(f'writev {pid}', lambda: syscall(311, pid, None, 0, None, 0, 0))
            attempt(f'affinity {pid}', lambda: os.sched_setaffinity(pid, [0]))
            attempt(f'priority {pid}', lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))
            attempt(f'pidfd {pid}', lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 9))
            attempt(f'memory {pid}', lambda: os.open(f'/proc/{pid}/mem', os.O_RDWR))
            attempt(f'oom {pid}', lambda: os.open(f'/proc/{pid}/oom_score_adj', os.O_WRONLY))
        """,
    ),
    attack("a file of a terabyte", "import os; os.ftruncate(1, 10**12)", "RE", lambda f: len(f.stdout) <= 1 << 20),
    attack(
        "a hole in the output",
        "import os; os.lseek(1, (1 << 20) - 1, 0); os.write(1, b'x')",
        "OK",
        lambda found: len(found.stdout) == 1 << 20,
        anywhere=True,
    ),
    attack("output like a frame head", "import os; os.write(1, b'R\\xff\\xff\\xff\\xff' * 100)", "OK", anywhere=True),
    attack(
        "limits raised again",
        """
        import resource
        for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
            try:
                resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                resource.prlimit(0, kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            except (OSError, ValueError):
                pass
            if resource.RLIM_INFINITY in resource.getrlimit(kind): print('raised', kind)
        """,
        "OK",
        says(b""),
    ),
]

SOURCES = [
    attack("no bytes", b"", "OK", anywhere=True),
    attack("a NUL", b"print(1)\0print(2)", "CE", anywhere=True),
    attack("a byte order mark", b"\xef\xbb\xbfprint(1)", "OK", says(b"1"), anywhere=True),
    attack("carriage returns", b"if 1:\r\n  print(1)\r\n", "OK", says(b"1"), anywhere=True),
    attack("another coding", "# coding: latin-1\nprint(ord('é'))".encode("latin-1"), "OK", says(b"233"), anywhere=True),
    attack("no coding at all", b"# coding: nonsense\nprint(1)", "CE", anywhere=True),
    attack("bytes that are no source", bytes(range(128, 256)), "CE", anywhere=True),
    attack("twenty megabytes", b"#" * 20_000_000, "OK CE", limits=Limits(cpu_seconds=8), anywhere=True),
    attack("forty megabytes", b"#" * 40_000_000, "CE", anywhere=True),
    attack("a deep expression", b"x = " + b"-" * 100_000 + b"1", "CE RE", limits=Limits(cpu_seconds=8), anywhere=True),
]

ATTACKS = [*EXHAUSTION, *ESCAPE, *CHEATING, *INTERFERING, *RUNNER, *SOURCES]
