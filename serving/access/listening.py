"""Whether the service can be reached from other machines.

``bentoml serve`` binds the address that ``--host``, ``BENTOML_HOST`` or the service names, and
hands its workers the listening socket and no word of where it is bound: what a worker reads from
BentoML's configuration is not what ``--host`` said, and the address of a client is that of a
proxy, if there is one. The sockets themselves cannot be wrong, so they are asked.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

_DESCRIPTORS = Path("/dev/fd")


def listens_on_loopback() -> bool | None:
    """Returns whether every TCP socket on which this process listens is bound to loopback.

    None where it listens nowhere, or cannot tell, for example because no more files can be opened:
    keys cannot be done without then, and it is worth asking again.
    """
    hosts = listening_hosts()
    return all(is_loopback(host) for host in hosts) if hosts else None


def listening_hosts() -> tuple[str, ...]:
    """Returns the addresses of this process's listening TCP sockets, inherited ones too."""
    return tuple(sorted(host for fd in _sockets() if (host := _listening_host(fd)) is not None))


def is_loopback(host: str) -> bool:
    """Returns whether an IP address, or the name ``localhost``, means this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _sockets() -> Iterator[int]:
    try:
        entries = tuple(_DESCRIPTORS.iterdir())
    except OSError:
        return
    for entry in entries:
        try:
            if stat.S_ISSOCK(os.fstat(int(entry.name)).st_mode):
                yield int(entry.name)
        except OSError:  # closed meanwhile, such as that of the listing itself
            continue


def _listening_host(fd: int) -> str | None:
    """Returns where a socket listens; None where it does not, or is no TCP socket."""
    try:
        found = socket.socket(fileno=fd)
    except OSError:
        return None
    try:
        is_tcp = found.family in (socket.AF_INET, socket.AF_INET6)
        if not is_tcp or not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return None
        return str(found.getsockname()[0])
    except OSError:
        return None
    finally:
        found.detach()  # the descriptor belongs to somebody else
