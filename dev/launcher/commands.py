"""How the service's programs are started, by the demo and by the benchmark: what Python is told to run."""

WEB_WORKERS = 2
WEB_THREADS = 8
WORKER_THREADS = 8


def web(host: str, port: str) -> list[str]:
    """The web server."""
    options = ["--interface", "wsgi", "--host", host, "--port", port, "--no-ws"]
    options += ["--workers", str(WEB_WORKERS), "--blocking-threads", str(WEB_THREADS)]
    options += ["--respawn-failed-workers", "--workers-kill-timeout", "4"]
    return ["-m", "granian", *options, "referral_project.wsgi:application"]


def worker() -> list[str]:
    """The payout worker."""
    options = ["--processes", "1", "--threads", str(WORKER_THREADS), "--worker-shutdown-timeout", "4000"]
    return ["manage.py", "rundramatiq", *options]
