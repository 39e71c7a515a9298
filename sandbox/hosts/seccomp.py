"""The system calls that a container may use: a list of what interpreters need, everything else answers EPERM.

Among what is not listed, though engines allow some of it by default: ptrace, process_vm_*, SysV shared memory, message
queues and semaphores, POSIX message queues, socket (no network and no abstract unix sockets; a socketpair has no name),
mount and everything about namespaces, clocks, quotas, swap, reboot, file handles, pidfd_getfd, personality, fanotify.
A library may try one of those and go on without it. What no interpreter and no library of ours ever tries, and exploits of
the kernel begin with, ends the process (SIGSYS, the ending SECURITY): see `FATAL`.
"""

from __future__ import annotations

import json
from typing import Any

FILES = """
    access chdir chmod close close_range copy_file_range creat dup dup2 dup3 eventfd eventfd2 faccessat faccessat2
    fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fstat
    fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr inotify_add_watch inotify_init inotify_init1
    inotify_rm_watch ioctl lgetxattr link linkat listxattr llistxattr lseek lstat mkdir mkdirat mknod mknodat newfstatat open openat
    openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv rename
    renameat renameat2 rmdir sendfile splice stat statfs statx symlink symlinkat sync_file_range tee truncate umask
    unlink unlinkat utime utimensat utimes vmsplice write writev chown lchown memfd_create
"""
MEMORY = """
    brk madvise membarrier mincore mlock mlock2 mmap mprotect mremap msync munlock munmap pkey_alloc pkey_free
    pkey_mprotect get_mempolicy rseq
"""
PROCESSES = """
    arch_prctl capget execve execveat exit exit_group fork getpgid getpgrp getpid getpidfd getppid getpriority
    getrlimit getrusage getsid gettid kill pidfd_open pidfd_send_signal prctl prlimit64 setpgid setpriority setrlimit
    setsid tgkill tkill vfork wait4 waitid restart_syscall set_robust_list get_robust_list set_tid_address futex
    futex_waitv futex_wait futex_wake futex_requeue sched_get_priority_max sched_get_priority_min sched_getaffinity
    sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_yield getcpu
"""
USERS = """
    getegid geteuid getgid getgroups getresgid getresuid getuid setfsgid setfsuid setgid setgroups setregid setresgid
    setresuid setreuid setuid
"""
SIGNALS_AND_TIME = """
    alarm clock_getres clock_gettime clock_nanosleep epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait
    epoll_pwait2 epoll_wait epoll_wait_old getitimer gettimeofday nanosleep pause poll ppoll pselect6 rt_sigaction
    rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo select
    setitimer sigaltstack signalfd signalfd4 time timer_create timer_delete timer_getoverrun timer_gettime
    timer_settime timerfd_create timerfd_gettime timerfd_settime times
"""
FATAL = """
    add_key bpf delete_module finit_module init_module io_uring_enter io_uring_register io_uring_setup kexec_file_load
    kexec_load keyctl perf_event_open request_key userfaultfd
"""
REST = "getrandom sysinfo uname socketpair shutdown getsockopt setsockopt getsockname getpeername"
# -> the place of their flags
MESSAGES = {"recvmsg": 2, "sendmsg": 2, "recvfrom": 3, "sendto": 3, "recvmmsg": 3, "sendmmsg": 3}

NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
CLONE_PARENT = 0x8000  # a sibling, that is a child of the zygote, which would never bury it
MSG_OOB = 1  # out-of-band data on unix sockets: nobody uses it, and CVE-2025-38236 was in it
ENOSYS = 38


def _without_flags(name: str, place: int, flags: int) -> dict[str, Any]:
    """The call is allowed where none of `flags` is set in its argument number `place`."""
    unset = {"index": place, "value": flags, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": [unset]}


def profile() -> str:
    """The profile as the engine takes it, for x86-64 and 64-bit ARM; programs for other ABIs of these are killed."""
    groups = (FILES, MEMORY, PROCESSES, USERS, SIGNALS_AND_TIME, REST)
    rules: list[dict[str, Any]] = [
        {"names": sorted(name for group in groups for name in group.split()), "action": "SCMP_ACT_ALLOW"},
        _without_flags("clone", 0, NEW_NAMESPACES | CLONE_PARENT),
        *(_without_flags(name, place, MSG_OOB) for name, place in MESSAGES.items()),
        {"names": sorted(FATAL.split()), "action": "SCMP_ACT_KILL_PROCESS"},
        # its flags are behind a pointer that a filter cannot read; the C library falls back to clone on ENOSYS
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS},
    ]
    arches: list[dict[str, Any]] = [
        {"architecture": name, "subArchitectures": []} for name in ("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64")
    ]
    return json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "archMap": arches, "syscalls": rules})
