"""Notes whom every Python process talks to, and refuses what lies beyond this machine.

Python imports this module before anything else where its folder is on PYTHONPATH, so a process is
watched with all its children. ``SOCKET_SPY`` names the file of the notes: one line per call, with
``here`` or ``outside`` as its first word.
"""

import os
import sys

_CONTACTS = {
    "socket.connect",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.gethostbyaddr",
}
_NOTES = os.open(os.environ["SOCKET_SPY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _is_here(target):
    """Says whether a host, or a socket's address, is this machine."""
    if isinstance(target, tuple):
        target = target[0]
    if isinstance(target, bytes):
        target = os.fsdecode(target)
    # No host means any of this machine's; a number is the kernel's own (netlink); a path is a file.
    # A program may look itself up by name.
    if (
        target in (None, "", "localhost", os.uname().nodename)
        or isinstance(target, int)
        or target.startswith(("/", "\0"))
    ):
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(target.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _watch(event, arguments):
    if event not in _CONTACTS:
        return
    is_address = event in ("socket.connect", "socket.sendto", "socket.sendmsg")
    target = arguments[1] if is_address else arguments[0]
    is_here = _is_here(target)
    name = sys.argv[0].rpartition("/")[2] if getattr(sys, "argv", None) else ""
    line = f"{'here' if is_here else 'outside'} {event} {target!r} by {name}\n"
    os.write(_NOTES, line.encode())
    if not is_here:
        raise ConnectionRefusedError(f"the socket spy refuses {target!r}")


sys.addaudithook(_watch)
