"""Who may call the service, and how often."""

from serving.access.guard import Caller, Guard
from serving.access.listening import listens_on_loopback
from serving.access.rates import RateLimit
from serving.access.room import WaitingRoom

__all__ = ["Caller", "Guard", "RateLimit", "WaitingRoom", "listens_on_loopback"]
