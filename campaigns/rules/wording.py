"""The rules in words: what each level, key and value is called in the back-office."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from campaigns.rules.entries import LIMITS, RuleChange
from campaigns.rules.families import EVENT, ONBOARDING, PURCHASE, REGISTRATION
from campaigns.rules.roles import PRO, USER, VIP
from campaigns.rules.schema import LOCK, SKIP
from kernel.humanize.amounts import amount_text


@dataclass(frozen=True, slots=True)
class Words:
    """What something is called, and what it does, with an example."""

    label: Any
    help: Any


SECTIONS = {
    "level1": Words(_("Level 1"), _("The referrer.")),
    "level2": Words(_("Level 2"), _("The referrer's referrer.")),
    "referred": Words(_("Welcome bonus"), _("The invited user.")),
    LIMITS: Words(_("Limits and budgets"), _("For the whole campaign.")),
}
FAMILIES = {
    REGISTRATION: _("registration"),
    PURCHASE: _("purchase"),
    ONBOARDING: _("partner onboarding"),
    EVENT: _("event"),
}
ROLES = {USER: _("User"), VIP: "VIP", PRO: "PRO"}
BEFORE_ROLE = {LOCK: _("lock the reward"), SKIP: _("no reward")}

_FIXED_POINTS = _("Fixed points per event. Example: 100")
_FIXED_G2A = _("Fixed G2A per event, up to 9 decimal places. Example: 0.25")
KEYS = {
    "points_per_registration": Words(_("Points per registration"), _FIXED_POINTS),
    "points_per_purchase": Words(_("Points per purchase"), _FIXED_POINTS),
    "points_per_onboarding": Words(_("Points per partner onboarding"), _FIXED_POINTS),
    "points_per_event": Words(_("Points per event"), _FIXED_POINTS),
    "g2a_per_registration": Words(_("G2A per registration"), _FIXED_G2A),
    "g2a_per_purchase": Words(_("G2A per purchase"), _FIXED_G2A),
    "g2a_per_onboarding": Words(_("G2A per partner onboarding"), _FIXED_G2A),
    "g2a_per_event": Words(_("G2A per event"), _FIXED_G2A),
    "points_percent": Words(
        _("Points, percent of the amount"),
        _("Added to fixed points, rounded down. Example: 5 gives 25 points for 500"),
    ),
    "g2a_percent": Words(
        _("G2A, percent of the amount"), _("Added to fixed G2A. Example: 0.5 gives 2.5 G2A for 500")
    ),
    "min_amount": Words(_("Minimum amount"), _("Smaller amounts earn nothing at this level. Example: 100")),
    "max_points_per_event": Words(
        _("Max points per event"), _("One event earns no more than this at this level. Example: 1000")
    ),
    "max_g2a_per_event": Words(
        _("Max G2A per event"), _("One event earns no more than this at this level. Example: 5")
    ),
    "locked_until_role": Words(_("Required role"), _("The recipient must have this role. Example: VIP")),
    "before_role": Words(
        _("Without the role"),
        _("Lock the reward until the role is reached, or earn nothing."),
    ),
    "hold_days": Words(
        _("Hold period (days)"), _("Paid this many days after the event. Example: 14, the refund period")
    ),
    "max_events_per_referred": Words(
        _("Max rewarded events per invited person"),
        _("Or per partner. Later events earn nothing. Example: 1"),
    ),
    "max_events_per_referrer": Words(
        _("Max rewarded events per referrer"),
        _("All users invited by one referrer together. Example: 500"),
    ),
    "max_events_per_referrer_per_day": Words(
        _("Max rewarded events per referrer per day"), _("The same within one UTC day. Example: 20")
    ),
    "budget_points": Words(
        _("Budget, points"),
        _("Total of all rewards. An event that does not fit earns nothing. Example: 50000"),
    ),
    "budget_g2a": Words(_("Budget, G2A"), _("The same for G2A. Example: 12.5")),
}
PERCENTS = ("points_percent", "g2a_percent")


def value_text(key: str, value: Any) -> str:
    """An entry's value for people; an absent one is a dash."""
    if value is None:
        return "–"
    if key == "locked_until_role":
        return str(ROLES[value])
    if key == "before_role":
        return str(BEFORE_ROLE[value])
    if key == "hold_days":
        return days_text(value)
    return f"{amount_text(value)} %" if key in PERCENTS else amount_text(value)


def days_text(days: int) -> str:
    """So many days."""
    return ngettext("%s day", "%s days", days) % amount_text(days)


def change_text(change: RuleChange) -> str:
    """One difference as a sentence: "Level 1 – Points per purchase: 10 → 15"."""
    place = f"{SECTIONS[change.section].label} – {KEYS[change.key].label}"
    old, new = value_text(change.key, change.old), value_text(change.key, change.new)
    if change.old is None:
        return gettext("%(place)s: set to %(new)s") % {"place": place, "new": new}
    if change.new is None:
        return gettext("%(place)s: %(old)s, removed") % {"place": place, "old": old}
    return f"{place}: {old} → {new}"
