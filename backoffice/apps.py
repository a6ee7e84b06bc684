"""The back-office as an app: it has pages, templates and styles, and no tables."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class BackofficeConfig(AppConfig):
    """Its pages are registered by `backoffice.admin`, which Django's admin looks for."""

    name = "backoffice"


class BackofficeAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site; `unfold.apps.BasicAppConfig` makes none of its own."""

    default = False
    default_site = "backoffice.admin_site.BackofficeSite"
