"""The composition root as an app: it owns the management commands that span all apps."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from referral_project.observability.tracing import observers_start


class ProjectConfig(AppConfig):
    """Holds no models and no domain logic."""

    name = "referral_project"
    verbose_name = _("Project")

    def ready(self) -> None:
        """Before any view is loaded, in every kind of process."""
        observers_start()
