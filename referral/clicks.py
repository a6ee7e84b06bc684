"""Counting clicks on links: without bots, without repeats, without keeping who came.

A visitor is a keyed hash of address and browser that changes every day, so it cannot be followed over days;
a repeat within 24 hours is still seen, because yesterday's hash of the same visitor is looked up too.
"""

from datetime import date, timedelta
from functools import lru_cache

from crawlerdetect import CrawlerDetect
from django.db import connection
from django.utils import timezone

from referral.keys import VISITOR, keyed_hash
from referral.models import LinkVisit, ReferralLink

REPEAT_WITHIN = timedelta(hours=24)
KEEP_VISITS = timedelta(hours=48)

_detector = CrawlerDetect()


@lru_cache(maxsize=4096)
def is_bot(user_agent: str) -> bool:
    """Whether the browser says that it is a machine; one that says nothing is taken for one."""
    return not user_agent.strip() or bool(_detector.isCrawler(user_agent))


def click_count(*, link: ReferralLink, address: str, user_agent: str) -> bool:
    """Count a click, unless it is a bot's or a repeat; says whether it counted."""
    if is_bot(user_agent[:512]):
        return False
    now = timezone.now()
    today = _visitor(link, address, user_agent, now.date())
    yesterday = _visitor(link, address, user_agent, now.date() - timedelta(days=1))
    if LinkVisit.objects.filter(link=link, visitor_hash=yesterday, seen_at__gt=now - REPEAT_WITHIN).exists():
        return False
    with connection.cursor() as cursor:
        # One statement, so that two clicks at once count once.
        cursor.execute(
            """
            WITH visit AS (
                INSERT INTO referral_linkvisit (id, link_id, visitor_hash, seen_at)
                VALUES (referral_uuid7(), %(link)s, %(visitor)s, %(now)s)
                ON CONFLICT (link_id, visitor_hash) DO NOTHING
                RETURNING link_id
            )
            INSERT INTO referral_linkclicks (id, link_id, day, clicks)
            SELECT referral_uuid7(), link_id, %(day)s, 1 FROM visit
            ON CONFLICT (link_id, day) DO UPDATE SET clicks = referral_linkclicks.clicks + 1
            """,
            {"link": link.id, "visitor": today, "now": now, "day": now.date()},
        )
        return bool(cursor.rowcount)


def _visitor(link: ReferralLink, address: str, user_agent: str, day: date) -> str:
    return keyed_hash(VISITOR, day.isoformat(), str(link.id), address, user_agent[:512])


def visits_forget() -> int:
    """Delete visits that no longer serve to recognize a repeat; returns how many."""
    deleted, _ = LinkVisit.objects.filter(seen_at__lt=timezone.now() - KEEP_VISITS).delete()
    return deleted
