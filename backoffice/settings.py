"""How the back-office looks: its name, its colours, what stands on every page."""

from django.templatetags.static import static
from django.utils.functional import lazy, lazystr
from django.utils.translation import gettext_lazy as _

__all__ = ("FORMAT_MODULE_PATH", "LOGIN_REDIRECT_URL", "UNFOLD")

# Drawn here, so that no page asks for a file that does not exist.
FAVICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='8' fill='%234f46e5'/%3E%3Cg fill='%23fff' stroke='%23fff' "
    "stroke-width='2'%3E%3Cpath d='M22 9 10 16l12 7' fill='none'/%3E%3Ccircle cx='22' cy='9' r='2.5'/%3E"
    "%3Ccircle cx='10' cy='16' r='2.5'/%3E%3Ccircle cx='22' cy='23' r='2.5'/%3E%3C/g%3E%3C/svg%3E"
)
# Where a person lands who has opened the sign-in page itself.
LOGIN_REDIRECT_URL = "admin:index"
FORMAT_MODULE_PATH = "backoffice.formats"

# The theme takes a plain text for the path of a function, and the addresses are known when all is set up.
_static = lazy(static, str)

UNFOLD = {
    "SITE_TITLE": _("Referral Service"),
    "SITE_HEADER": _("Referral Service"),
    "SITE_SYMBOL": "share",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lazystr(FAVICON)}],
    "STYLES": [_static("backoffice/back-office.css")],
    "SCRIPTS": [_static("backoffice/back-office.js")],
    # The languages stand in the header (templates/unfold/helpers/userlinks.html).
    "SHOW_LANGUAGES": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "backoffice.dashboard.dashboard.dashboard_context",
    "COLORS": {
        "primary": {
            "50": "oklch(96.2% .018 272.314)",
            "100": "oklch(93% .034 272.788)",
            "200": "oklch(87% .065 274.039)",
            "300": "oklch(78.5% .115 274.713)",
            "400": "oklch(72% .155 276.5)",
            "500": "oklch(66% .19 277)",
            "600": "oklch(51.1% .262 276.966)",
            "700": "oklch(45.7% .24 277.023)",
            "800": "oklch(39.8% .195 277.366)",
            "900": "oklch(35.9% .144 278.697)",
            "950": "oklch(25.7% .09 281.288)",
        }
    },
    "SIDEBAR": {"navigation": "backoffice.menu.menu"},
}
