"""`/internal/users/{id}/upline`: whom to name as referrer."""

import re

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from access.models import ServiceOperation
from http_api.kit.authentication import ServiceAuthentication, service_allowed
from kernel.decoding import ID_PATTERN
from kernel.errors import ValidationFailed
from referral.selectors import upline_of


class UplineViewSet(ViewSet):
    """How other services learn whom to name as referrer."""

    authentication_classes = (ServiceAuthentication,)

    def retrieve(self, request: Request, user_id: str) -> Response:
        """Two levels up; an unknown user has none."""
        service_allowed(request, ServiceOperation.Operation.UPLINE)
        if not re.fullmatch(ID_PATTERN, user_id):
            raise ValidationFailed.of(
                "user_id", _("must be 1 to 64 printable ASCII characters without spaces")
            )
        upline = upline_of(user_id)
        return Response({"user_id": user_id, "level1": upline.level1, "level2": upline.level2})
