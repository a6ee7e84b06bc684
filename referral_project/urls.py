"""Every address of the service."""

from django.contrib import admin
from django.urls import include, path

from backoffice.dashboard.reports import report_view
from backoffice.site import own_password_change
from http_api.openapi import views as openapi
from http_api.public import site
from http_api.public.views import ref_redirect
from referral_project.observability.views import metrics

urlpatterns = [
    path("api/referral/v1/", include("http_api.urls")),
    path("", site.index, name="index"),
    path("healthz/live", site.live, name="live"),
    path("healthz/ready", site.ready, name="ready"),
    path("ref/<str:code>", site.only_safe(ref_redirect)),
    path("metrics", metrics, name="metrics"),
    path("api/schema", openapi.schema, name="schema"),
    path("api/docs", openapi.docs, name="docs"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin", site.to_admin),
    path("admin/reports/<str:name>/", admin.site.admin_view(report_view), name="admin_report"),
    path("admin/password_change/", admin.site.admin_view(own_password_change)),
    path("admin/", admin.site.urls),
]

handler400 = "http_api.kit.envelope.bad_request"
handler403 = "http_api.kit.envelope.forbidden"
handler404 = "http_api.kit.envelope.not_found"
handler500 = "http_api.kit.envelope.crashed"
