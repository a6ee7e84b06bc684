"""The composition root as an app: it owns the management commands that span all apps."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProjectConfig(AppConfig):
    """Holds no models and no domain logic."""

    name = "referral_project"
    verbose_name = _("Project")
