"""The site that all pages belong to."""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite


class BackofficeSite(UnfoldAdminSite):
    """The theme's site; what no page of ours shows is not looked up for each."""

    # The addresses of pages that belong to no table, set where these pages are (`backoffice.admin`).
    extra_urls: Callable[[], list[URLPattern]]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Every model with what the person may do to it, when somebody asks: our own menu does not."""
        listed = super().get_app_list
        return cast(list[dict[str, Any]], SimpleLazyObject(lambda: listed(request, app_label)))
