"""The page for people, at ``/ui``."""

from serving.page.page import page_response

__all__ = ["page_response"]
