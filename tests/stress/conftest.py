"""Every test here may have a home with real gateways."""

from tests.gateway.live import live

__all__ = ["live"]
