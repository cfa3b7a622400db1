"""The system calls that no agent needs, as a classic BPF program for `bwrap --seccomp`. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

ALLOW, KILL = 0x7FFF0000, 0x80000000  # linux/seccomp.h
REFUSE, UNKNOWN = 0x00050001, 0x00050026  # SECCOMP_RET_ERRNO with EPERM, with ENOSYS
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
NUMBER, ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT, FOURTH_ARGUMENT = 16, 24, 32, 40
NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
TIOCSTI, TIOCLINUX = 0x5412, 0x541C  # put words into the terminal of whoever started us
X32 = 0x40000000  # calls of the x32 ABI begin here: the same calls by other numbers
CLONE3, OPENAT2 = 435, 437
SET_USER_ID = 0o4000  # a file that gives whoever runs it, outside too, the rights of its owner
MAY_CREATE = 0o100 | 0o20000000  # O_CREAT, __O_TMPFILE: without them there is no mode

# The kernel's keyring, its programs and modules, mounts and namespaces, the clock, other processes' memory.
_COMMON = (425, 426, 427, 428, 429, 430, 431, 432, 433, 442, 443)  # io_uring_*, the new mount calls, quotactl_fd


@dataclass(frozen=True, slots=True)
class Architecture:
    """How one processor names its calls, as in asm/unistd.h; of `modes` and `opens`, where their arguments lie too."""

    audit: int
    ioctl: int
    clone: int
    modes: tuple[tuple[int, int], ...]  # chmod and its kin: number, offset of the mode
    opens: tuple[tuple[int, int, int], ...]  # open and its kin: number, offset of the flags, of the mode
    refused: tuple[int, ...]


ARCHITECTURES = {
    "x86_64": Architecture(
        0xC000003E,
        ioctl=16,
        clone=56,
        modes=((85, SECOND_ARGUMENT), (90, SECOND_ARGUMENT), (91, SECOND_ARGUMENT), (133, SECOND_ARGUMENT),
               (259, THIRD_ARGUMENT), (268, THIRD_ARGUMENT), (452, THIRD_ARGUMENT)),
        opens=((2, SECOND_ARGUMENT, THIRD_ARGUMENT), (257, THIRD_ARGUMENT, FOURTH_ARGUMENT)),
        refused=(
            248, 249, 250, 321, 298, 323, 246, 320, 175, 313, 176, 165, 166, 155, 308, 272, 167, 168, 169, 163, 179,
            304, 303, 212, 180, 310, 311, 154, 172, 173, 164, 227, 305, 159, 103, 153, 161, *_COMMON,
        ),
    ),
    "aarch64": Architecture(
        0xC00000B7,
        ioctl=29,
        clone=220,
        modes=((33, THIRD_ARGUMENT), (52, SECOND_ARGUMENT), (53, THIRD_ARGUMENT), (452, THIRD_ARGUMENT)),
        opens=((56, THIRD_ARGUMENT, FOURTH_ARGUMENT),),
        refused=(
            217, 218, 219, 280, 241, 282, 104, 294, 105, 273, 106, 40, 39, 41, 268, 97, 224, 225, 142, 89, 60,
            265, 264, 18, 42, 270, 271, 170, 112, 266, 171, 116, 58, 51, *_COMMON,
        ),
    ),
}  # fmt: skip


def compose_filter(machine: str) -> bytes:
    """Return the program for a processor as `os.uname().machine` names it; b"" for one that nobody has written down.

    A refused call gives EPERM, as a mode with the set-user-id bit does. `clone3` and `openat2` hide theirs from a
    filter and give ENOSYS, so that libraries use `clone` and `openat`.
    """
    known = ARCHITECTURES.get(machine)
    if known is None:
        return b""
    program = [_op(LOAD, ARCHITECTURE), _op(EQUAL, known.audit, 1, 0), _op(RETURN, KILL), _op(LOAD, NUMBER)]
    program += [_op(AT_LEAST, X32, 0, 1), _op(RETURN, REFUSE)]
    for number in sorted(known.refused):
        program += [_op(EQUAL, number, 0, 1), _op(RETURN, REFUSE)]
    for number in (CLONE3, OPENAT2):
        program += [_op(EQUAL, number, 0, 1), _op(RETURN, UNKNOWN)]
    no_set_user_id = [_op(ANY_BIT, SET_USER_ID, 0, 1), _op(RETURN, REFUSE), _op(RETURN, ALLOW)]
    for number, mode in known.modes:
        program += [_op(EQUAL, number, 0, 4), _op(LOAD, mode), *no_set_user_id]
    for number, flags, mode in known.opens:
        program += [_op(EQUAL, number, 0, 6), _op(LOAD, flags), _op(ANY_BIT, MAY_CREATE, 0, 3), _op(LOAD, mode)]
        program += no_set_user_id
    program += [_op(EQUAL, known.clone, 0, 4), _op(LOAD, FIRST_ARGUMENT), _op(ANY_BIT, NEW_NAMESPACES, 0, 1)]
    program += [_op(RETURN, REFUSE), _op(RETURN, ALLOW)]
    program += [_op(EQUAL, known.ioctl, 0, 4), _op(LOAD, SECOND_ARGUMENT), _op(EQUAL, TIOCSTI, 1, 0)]
    program += [_op(EQUAL, TIOCLINUX, 0, 1), _op(RETURN, REFUSE), _op(RETURN, ALLOW)]
    return b"".join(program)


def _op(code: int, value: int, when_true: int = 0, when_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, when_true, when_false, value)
