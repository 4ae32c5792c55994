"""The model that is served: which it is, loading it, and changing it while requests come in."""

from serving.models.host import ModelHost
from serving.models.load import load_model
from serving.models.state import Activated, ModelPinned, ModelRefused, State

__all__ = ["Activated", "ModelHost", "ModelPinned", "ModelRefused", "State", "load_model"]
