"""Moments in words: when, and how long until then."""

from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def moment_text(moment: datetime) -> str:
    """A moment, as every page writes it."""
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT")


def until_text(moment: datetime, now: datetime) -> str:
    """When something will be: "in 3 minutes (2026-11-24 10:45 UTC)"; "now" when it is due."""
    left = moment - now
    if left <= timedelta(0):
        return _("now")
    return _("%(wait)s (%(moment)s)") % {"wait": _wait(left), "moment": moment_text(moment)}


def _wait(left: timedelta) -> str:
    if left < MINUTE:
        return _("in less than a minute")
    if left < HOUR:
        minutes = round(left / MINUTE)
        return ngettext("in %d minute", "in %d minutes", minutes) % minutes
    if left < 2 * DAY:
        hours = round(left / HOUR)
        return ngettext("in %d hour", "in %d hours", hours) % hours
    days = round(left / DAY)
    return ngettext("in %d day", "in %d days", days) % days
