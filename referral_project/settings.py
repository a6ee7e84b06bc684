"""All settings, from the environment (see the table in docs/configuration.md)."""

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.utils.translation import gettext_lazy as _
from psycopg import IsolationLevel

from backoffice.settings import *  # noqa: F403 - the settings of the back-office
from referral_project import environment
from referral_project.broker_settings import broker_settings
from referral_project.log_settings import configure_logging
from referral_project.observability.folder import metrics_folder, metrics_folder_open

BASE_DIR = Path(__file__).resolve().parent.parent

# --- what may never be missing ------------------------------------------------------------------------------

DEMO = environment.demo()
SECRET_KEY = environment.secret("SECRET_KEY")
SERVICE_JWT_KEYS = environment.service_keys("SERVICE_JWT_KEYS")
SERVICE_JWT_OUT_KEY = environment.secret("SERVICE_JWT_OUT_KEY")
USER_JWT_ALGORITHM = environment.one_of("USER_JWT_ALGORITHM", "HS256", ("HS256", "RS256", "ES256"))
USER_JWT_JWKS_URL = environment.url("USER_JWT_JWKS_URL")
USER_JWT_KEY = environment.user_key("USER_JWT_KEY", USER_JWT_ALGORITHM, USER_JWT_JWKS_URL)
USER_JWT_AUDIENCE = environment.text("USER_JWT_AUDIENCE")
USER_JWT_ISSUER = environment.text("USER_JWT_ISSUER")

if not environment.text("DATABASE_URL"):
    environment.refuse("DATABASE_URL", "is missing. Set it to postgresql://user:password@host:5432/name.")

# --- the web ------------------------------------------------------------------------------------------------

DEBUG = environment.env.bool("DEBUG", default=False)
if DEBUG and not DEMO:
    environment.refuse(
        "DEBUG", "is on, which shows settings and SQL to whoever causes an error. Leave it out."
    )
HOST = environment.text("HOST", "127.0.0.1")
PORT = int(environment.number("PORT", 8000, least=1, most=65535))
PUBLIC_BASE_URL = environment.url("PUBLIC_BASE_URL", f"http://{HOST}:{PORT}")
LANDING_URL = environment.url("LANDING_URL", PUBLIC_BASE_URL)
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
if (public_host := urlsplit(PUBLIC_BASE_URL).hostname) and public_host not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(public_host)
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
CSRF_FAILURE_VIEW = "http_api.public.site.csrf_refused"
IS_HTTPS = PUBLIC_BASE_URL.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_AGE = 12 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        # Pages of the back-office and of the API's description set styles on single elements.
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # Other hosts below our name are not ours to promise HTTPS for.
    "security.W021",  # Nor is the browsers' list of preloaded names.
    # The document is made of msgspec structs, which drf-spectacular's own generator cannot read.
    "drf_spectacular.E001",
    "drf_spectacular.W001",
    "drf_spectacular.W002",
    "security.W008",  # TLS and the redirect to it belong to the proxy (docs/configuration.md).
]
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
ROOT_URLCONF = "referral_project.urls"
WSGI_APPLICATION = "referral_project.wsgi.application"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "backoffice.apps.BackofficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_dramatiq",
    "access",
    "campaigns",
    "referral",
    "rewards",
    "http_api",
    "backoffice",
    "referral_project",
    "dev.demo",
]

# Calls of services pass by all of this (referral_project/wsgi.py).
MADE_FOR_PEOPLE = [
    "django.middleware.security.SecurityMiddleware",
    "referral_project.security_headers.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
MIDDLEWARE = [
    "http_api.kit.middleware.RequestIdMiddleware",
    "referral_project.observability.requests.ObserveMiddleware",
    *MADE_FOR_PEOPLE,
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

STATIC_URL = "/static/"
# Static files come straight from the packages; there is no collection step to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# --- the database -------------------------------------------------------------------------------------------

DATABASES = {"default": environment.env.db_url("DATABASE_URL")}
DATABASES["default"]["ENGINE"] = "referral_project.postgresql"
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    "application_name": "referral-service",
    "connect_timeout": 3,
    # A host that vanished without a word is given up after this many milliseconds.
    "tcp_user_timeout": 10000,
    # The locks of the event path are made for this level (docs/event-path.md), whatever the server's default.
    "isolation_level": IsolationLevel.READ_COMMITTED,
    # A process that is frozen inside a transaction must not hold its locks for ever.
    "options": "-c idle_in_transaction_session_timeout=60000",
}
# A thread keeps its connection. One that died with the database is noticed before it is used, and replaced at
# once or not at all: a pool would go on waiting after the database is back.
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# --- the API ------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["http_api.kit.renderers.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["http_api.kit.bodies.BodyParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "http_api.kit.renderers.OnlyJson",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "EXCEPTION_HANDLER": "http_api.kit.envelope.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Referral Service",
    "OAS_VERSION": "3.1.0",
    "DEFAULT_GENERATOR_CLASS": "http_api.openapi.document.Generator",
    # Served from our own static files: no outside host is asked.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "docExpansion": "list"},
}

# --- who may call how often ---------------------------------------------------------------------------------

REDIS_URL = environment.redis_url("REDIS_URL")
TRUSTED_PROXIES = environment.networks("TRUSTED_PROXIES")
# Somebody who claims https without it only makes the checks of their own forms stricter.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
# The demo must not be in the way of whoever plays with it.
THROTTLE_USER = environment.rate("THROTTLE_USER", "" if DEMO else "120/min")
THROTTLE_ADDRESS = environment.rate("THROTTLE_ADDRESS", "" if DEMO else "300/min")
THROTTLE_SERVICE = environment.rate("THROTTLE_SERVICE", "" if DEMO else "60000/min")

# How long after we first heard of a user they may still name who invited them.
CLAIM_WINDOW_DAYS = environment.number("CLAIM_WINDOW_DAYS", 7, least=0, most=3650)

# --- payout -------------------------------------------------------------------------------------------------

POINTS_SERVICE_URL = environment.url("POINTS_SERVICE_URL")
POINTS_DIALECT = environment.one_of("POINTS_DIALECT", "credit_v1", ("credit_v1", "add_m3"))
TOKEN_GATEWAY_URL = environment.url("TOKEN_GATEWAY_URL")
ANALYTICS_URL = environment.url("ANALYTICS_URL")
PAYOUT_CONCURRENCY = int(environment.number("PAYOUT_CONCURRENCY", 16, least=1, most=256))
PAYOUT_TIMEOUT_SECONDS = environment.number("PAYOUT_TIMEOUT_SECONDS", 10, least=0.05, most=300)
PAYOUT_RETRY_BASE_SECONDS = environment.number("PAYOUT_RETRY_BASE_SECONDS", 5, least=0.01)
PAYOUT_RETRY_MAX_SECONDS = environment.number("PAYOUT_RETRY_MAX_SECONDS", 900, least=0.01)
PAYOUT_GIVE_UP_AFTER_HOURS = environment.number("PAYOUT_GIVE_UP_AFTER_HOURS", 72, least=0)
PAYOUT_LEASE_SECONDS = environment.number("PAYOUT_LEASE_SECONDS", 60, least=0.2)
PAYOUT_SWEEP_SECONDS = environment.number("PAYOUT_SWEEP_SECONDS", 5, least=0.05)
if PAYOUT_LEASE_SECONDS < 2 * PAYOUT_TIMEOUT_SECONDS:
    environment.refuse(
        "PAYOUT_LEASE_SECONDS",
        f"must be at least twice PAYOUT_TIMEOUT_SECONDS ({PAYOUT_TIMEOUT_SECONDS:g}): "
        "a claim must outlive the call that it is made for.",
    )

DRAMATIQ_BROKER = broker_settings(environment.text("DRAMATIQ_BROKER_URL"), environment.text("DATABASE_URL"))
DRAMATIQ_AUTODISCOVER_MODULES = ["actors", "support.actors"]
DRAMATIQ_IGNORED_MODULES = ["django_dramatiq.tasks"]

# --- texts and times ----------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ru", _("Russian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- what an operator sees (docs/observability.md) ----------------------------------------------------------

METRICS_TOKEN = environment.text("METRICS_TOKEN")
if METRICS_TOKEN:
    environment.check_secret("METRICS_TOKEN", METRICS_TOKEN)
METRICS_FOLDER = metrics_folder(
    given=environment.text("METRICS_FOLDER"),
    wanted=bool(METRICS_TOKEN),
    database_url=environment.text("DATABASE_URL"),
)
if METRICS_FOLDER is not None:
    try:
        # Before anything loads the library that counts: it looks for the folder only then.
        metrics_folder_open(METRICS_FOLDER)
    except OSError as error:
        environment.refuse("METRICS_FOLDER", f"cannot be used: {error}.")
ACCESS_LOG = environment.one_of("ACCESS_LOG", "errors", ("errors", "all", "off"))
ACCESS_LOG_SLOW_SECONDS = environment.number("ACCESS_LOG_SLOW_SECONDS", 1, least=0)
LOGGING = configure_logging(environment.text("LOG_LEVEL", "INFO"))
LOGGING_CONFIG = "logging.config.dictConfig"
