"""An agent that does not want to die: seven roles, each with a file that it beats, and locks while it lives.

python -I -S nasty.py FOLDER stay|leave   `leave` ends with 0 as soon as every role beats; its children stay
"""

import fcntl
import os
import signal
import sys
import time

ROLES = ("main", "child", "deaf", "session", "daemon", "holder", "hydra")


def live(folder, role):
    """Lock the role's file: whoever can lock it later knows that the role is dead, its replacements included."""
    fd = os.open(f"{folder}/{role}", os.O_RDWR | os.O_CREAT, 0o666)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.pwrite(fd, b"%20d" % time.monotonic_ns(), 0)
    return fd


def beat(fd):
    while True:
        os.pwrite(fd, b"%20d" % time.monotonic_ns(), 0)
        time.sleep(0.005)


def child(folder):
    """In the agent's own process group."""
    beat(live(folder, "child"))


def deaf(folder):
    """Ignores what can be ignored."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    beat(live(folder, "deaf"))


def session(folder):
    """In a session of its own, its output closed."""
    os.setsid()
    close_all()
    beat(live(folder, "session"))


def daemon(folder):
    """Double-forked, with every descriptor closed."""
    os.setsid()
    if os.fork():
        os._exit(0)
    close_all()
    beat(live(folder, "daemon"))


def holder(folder):
    """In a session of its own, holding the agent's stdout."""
    os.setsid()
    beat(live(folder, "holder"))


def hydra(folder):
    """Forks a replacement and dies every 4 ms, each in a new session; the lock goes from head to head."""
    fd = live(folder, "hydra")
    while True:
        os.setsid()
        os.pwrite(fd, b"%20d" % time.monotonic_ns(), 0)
        time.sleep(0.004)
        if os.fork():
            os._exit(0)


def close_all():
    for fd in range(64):
        try:
            os.close(fd)
        except OSError:
            pass


def beating(folder):
    try:
        return all(os.stat(f"{folder}/{role}").st_size for role in ROLES)  # noqa: PTH116  starts faster
    except FileNotFoundError:
        return False


def main():
    folder, ending = sys.argv[1:]
    for role in (child, deaf, session, daemon, holder, hydra):
        if os.fork() == 0:
            try:
                role(folder)
            finally:
                os._exit(1)
    fd = live(folder, "main")
    print('{"type":"hello"}', flush=True)
    if ending == "stay":
        beat(fd)
    while not beating(folder):
        time.sleep(0.001)


if __name__ == "__main__":
    main()
