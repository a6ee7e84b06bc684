"""The addresses of the pages for support; they belong to no table, so the site itself carries them."""

from django.contrib import admin
from django.urls import URLPattern, path

from backoffice.support.attach import attach_view
from backoffice.support.backfill import past_view
from backoffice.support.retry_all import RETRY_ALL
from backoffice.support.review import review_view
from backoffice.support.search import search_view, user_view
from backoffice.support.service_status import peers_view


def support_urls() -> list[URLPattern]:
    """Every page for support, in the names of the back-office (`admin:support_…`)."""
    guarded = admin.site.admin_view
    return [
        path("support/search/", guarded(search_view), name="support_search"),
        path("support/peers/", guarded(peers_view), name="support_peers"),
        path("support/review/", guarded(review_view), name="support_review"),
        path("support/retry/", guarded(RETRY_ALL.page), name="support_retry"),
        path("support/user/", guarded(user_view), name="support_user"),
        path("support/attach/", guarded(attach_view), name="support_attach"),
        path("support/past/", guarded(past_view), name="support_past"),
    ]
