"""Event types and the families of rule keys that price them (docs/rules.md)."""

USER_REGISTERED = "user_registered"
RF_PARTNER_ONBOARDED = "rf_partner_onboarded"
QUEST_PURCHASED = "quest_purchased"
VOUCHER_PREMIUM_PURCHASED = "voucher_premium_purchased"
RIELT_BOOKING_MADE = "rielt_booking_made"

PURCHASES_BY_MODULE = {
    "quest": QUEST_PURCHASED,
    "voucher": VOUCHER_PREMIUM_PURCHASED,
    "rielt": RIELT_BOOKING_MADE,
}
MODULES_BY_EVENT_TYPE = {event_type: module for module, event_type in PURCHASES_BY_MODULE.items()}

REGISTRATION, PURCHASE, ONBOARDING, EVENT = "registration", "purchase", "onboarding", "event"
FAMILIES = (REGISTRATION, PURCHASE, ONBOARDING, EVENT)


def family_of(event_type: str) -> str:
    """The family whose rule keys price an event of this type."""
    if event_type == USER_REGISTERED:
        return REGISTRATION
    if event_type == RF_PARTNER_ONBOARDED:
        return ONBOARDING
    return PURCHASE if event_type in MODULES_BY_EVENT_TYPE else EVENT
