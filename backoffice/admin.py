"""All pages: what this imports registers itself with the site."""

from backoffice import site
from backoffice.campaigns import campaign_admin, figures, versions
from backoffice.people import imports, people_admin
from backoffice.rewards import discrepancies, history, reward_admin
from backoffice.staff import audit_log, service_permissions
from backoffice.support import bulk_retry, explanation

__all__ = (
    "audit_log",
    "bulk_retry",
    "campaign_admin",
    "discrepancies",
    "explanation",
    "figures",
    "history",
    "imports",
    "people_admin",
    "reward_admin",
    "service_permissions",
    "site",
    "versions",
)
