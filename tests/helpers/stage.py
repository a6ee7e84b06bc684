"""A web server on a database of its own, for programs that are not pytest."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.launcher.database.temporary import start_temporary
from dev.launcher.throwaway import throwaway_environment


@contextmanager
def stage(folder: Path, *, web_workers: int = 1, **environment: str) -> Iterator["ServiceProcesses"]:  # noqa: F821 - imported below
    """The service's web process with the demo's campaigns; its log goes into `folder`.

    Completes the environment of this process and sets Django up, so that its code can be imported within.
    """
    os.environ.update(throwaway_environment(os.environ))
    postgres = start_temporary()
    os.environ |= {"DATABASE_URL": postgres.url, "DJANGO_SETTINGS_MODULE": "referral_project.settings"}
    os.environ |= environment
    try:
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        from dev.demo.campaigns import demo_campaigns_ensure
        from tests.helpers.processes import ServiceProcesses

        call_command("migrate", verbosity=0)
        demo_campaigns_ensure()
        service = ServiceProcesses(folder, environment, web_workers=web_workers)
        try:
            service.start("web")
            service.wait_until_ready()
            yield service
        finally:
            service.stop()
            connection.close()
    finally:
        postgres.remove()
