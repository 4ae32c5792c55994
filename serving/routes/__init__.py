"""What the service answers at which path."""

from serving.routes.app import routes_app

__all__ = ["routes_app"]
