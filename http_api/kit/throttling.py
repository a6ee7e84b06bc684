"""DRF's view of the throttles (`access.throttles`)."""

from typing import Any

from rest_framework.throttling import BaseThrottle

from access.throttles import count_address


class AddressThrottle(BaseThrottle):
    """DRF's view of `count_address`, for `/public/*`."""

    def allow_request(self, request: Any, view: Any) -> bool:
        """Always true; one request too many raises Throttled."""
        count_address(request.META)
        return True
