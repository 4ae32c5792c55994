"""What Prometheus reads about the service, right for any number of workers."""

from serving.metrics.metrics import Metrics

__all__ = ["Metrics"]
