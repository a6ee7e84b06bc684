"""Pages of the service itself: what it is, whether it lives, whether it is ready."""

from collections.abc import Callable
from functools import wraps

import dramatiq
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from http_api.kit.envelope import body_for, error_response
from kernel.database import DATABASE_AWAY
from kernel.errors import Forbidden, MethodNotAllowed, Unavailable

_schema_is_current = False

View = Callable[..., HttpResponse]


def only_safe(view: View) -> View:
    """GET and HEAD only; any other method hears so in the envelope."""

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest, **captured: str) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return view(request, **captured)
        response = error_response(request, MethodNotAllowed(_("Only GET and HEAD are allowed here.")))
        response["Allow"] = "GET, HEAD"
        return response

    return checked


@only_safe
def index(request: HttpRequest) -> HttpResponse:
    """A small page that says what this is and where to go."""
    return render(request, "index.html")


@only_safe
def to_admin(request: HttpRequest) -> HttpResponse:
    """`/admin` without its slash."""
    return redirect("admin:index")


@only_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@only_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Whether requests can be served: database, migrations, broker; says what is wrong."""
    checks = {"database": _database(), "broker": _broker()}
    checks["migrations"] = _migrations() if checks["database"] == "ok" else "unknown"
    if all(state == "ok" for state in checks.values()):
        return JsonResponse({"status": "ok", "checks": checks})
    refusal = Unavailable(_("Not everything is ready: see the checks."))
    answer = {"status": "unavailable", "checks": checks, **body_for(request, refusal)}
    return JsonResponse(answer, status=503, headers={"Retry-After": str(refusal.retry_after_seconds)})


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DATABASE_AWAY:
        return "the database does not answer"
    return "ok"


def _migrations() -> str:
    """Checked until they are all there; a running process cannot lose them."""
    global _schema_is_current
    if not _schema_is_current:
        executor = MigrationExecutor(connection)
        _schema_is_current = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "ok" if _schema_is_current else "migrations are missing: run manage.py migrate"


def _broker() -> str:
    """The default broker is the database; the others are asked by their own client."""
    broker = dramatiq.get_broker()
    try:
        if client := getattr(broker, "client", None):
            client.ping()
        elif hasattr(broker, "connection"):
            broker.connection.process_data_events()
    except Exception as error:
        # Each broker's client raises its own; all of them mean the same here.
        return f"the broker does not answer ({type(error).__name__})"
    return "ok"


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF failure, in the envelope."""
    return error_response(request, Forbidden(_("The form has expired. Reload the page and try again.")))
