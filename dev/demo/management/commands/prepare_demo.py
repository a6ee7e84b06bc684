"""`manage.py prepare_demo`: what `make run` needs in the database."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from dev.demo.campaigns import demo_campaigns_ensure
from referral_project.environment import text

ADMIN = "admin"


class Command(BaseCommand):
    """Migrate, make the demo campaigns that are missing, and give the administrator the demo password."""

    # Checks may ask the database for what only the migrations make.
    requires_system_checks: list[str] = []
    help = "Prepares the database of the demo: migrations, demo campaigns, an administrator."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do all of it; running it again changes nothing that staff have changed."""
        if not settings.DEMO:
            raise CommandError("This prepares the demo; a production database is not for it.")
        call_command("migrate", verbosity=0)
        for code in demo_campaigns_ensure():
            self.stdout.write(f"made campaign {code}")
        self._ensure_admin(text("DEMO_ADMIN_PASSWORD"))

    def _ensure_admin(self, password: str) -> None:
        users = get_user_model()
        admin, _ = users.objects.get_or_create(
            username=ADMIN, defaults={"is_staff": True, "is_superuser": True}
        )
        if password and not admin.check_password(password):
            admin.set_password(password)
            admin.save(update_fields=["password"])
