"""Whether the ZenML server answers that this account is connected to, if it is connected to one."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from vision.errors import StackError

_PATIENCE_S = 3.0
_PORTS = {"http": 80, "https": 443}


def check_server() -> None:
    """Looks whether somebody listens where ZenML's register is kept; a local file always does.

    ZenML's own client tries for half a minute and then gives up with a traceback. A dashboard that
    was killed, for example by a restart of the machine, leaves the account connected to it.

    Raises:
      StackError: nobody listens; the message has the ways out.
    """
    from zenml.config.global_config import GlobalConfiguration

    url = GlobalConfiguration().store_configuration.url
    address = urlsplit(url)
    if address.scheme not in _PORTS or address.hostname is None:
        return
    port = address.port or _PORTS[address.scheme]
    try:
        socket.create_connection((address.hostname, port), timeout=_PATIENCE_S).close()
    except OSError as error:
        raise StackError(
            f"ZenML is connected to {url}, which does not answer ({error}); start it again "
            "(make dashboard for the one on this machine), or go back to this machine's own "
            "register: zenml logout"
        ) from error
