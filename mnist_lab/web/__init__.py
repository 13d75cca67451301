"""The laboratory as a page of its own: no Python, one front end, a kernel in a Web Worker."""

from .building import write_page

__all__ = ["write_page"]
