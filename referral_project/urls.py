"""Every address of the service."""

from django.contrib import admin
from django.urls import include, path

from referral.public_views import ref_redirect
from referral_project import views
from referral_project.admin import own_password_change
from referral_project.observability.views import metrics
from referral_project.openapi import views as openapi
from rewards.admin_reports import report_view

urlpatterns = [
    path("api/referral/v1/", include("referral_project.api_urls")),
    path("", views.index, name="index"),
    path("healthz/live", views.live, name="live"),
    path("healthz/ready", views.ready, name="ready"),
    path("ref/<str:code>", views.only_safe(ref_redirect)),
    path("metrics", metrics, name="metrics"),
    path("api/schema", openapi.schema, name="schema"),
    path("api/docs", openapi.docs, name="docs"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin", views.to_admin),
    path("admin/reports/<str:name>/", admin.site.admin_view(report_view), name="admin_report"),
    path("admin/password_change/", admin.site.admin_view(own_password_change)),
    path("admin/", admin.site.urls),
]

handler400 = "api.envelope.bad_request"
handler403 = "api.envelope.forbidden"
handler404 = "api.envelope.not_found"
handler500 = "api.envelope.crashed"
