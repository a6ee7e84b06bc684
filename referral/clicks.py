"""Counting clicks on links: without bots, without repeats, without keeping who came.

A visitor is a hash of address and browser under the key of the day. A key is drawn when its day's first
visitor comes, and deleted when the next day is over: from then on nobody, we included, can tell whose hash
it was. A hash cannot be followed from one day to another, and is deleted after 24 hours; a repeat within 24
hours is seen across midnight, because yesterday's hash of the same visitor is looked up too.
"""

import hashlib
import secrets
from datetime import date, timedelta
from functools import lru_cache

import orjson
from crawlerdetect import CrawlerDetect
from django.db import connection
from django.utils import timezone

from referral.models import LinkVisit, ReferralLink, VisitorKey

REPEAT_WITHIN = timedelta(hours=24)
ONE_DAY = timedelta(days=1)
KEY_BYTES = 32

_detector = CrawlerDetect()
_keys: dict[date, bytes] = {}


@lru_cache(maxsize=4096)
def is_bot(user_agent: str) -> bool:
    """Whether the browser says that it is a machine; one that says nothing is taken for one."""
    return not user_agent.strip() or bool(_detector.isCrawler(user_agent))


def click_count(*, link: ReferralLink, address: str, user_agent: str) -> bool:
    """Count a click, unless it is a bot's or a repeat; says whether it counted."""
    agent = user_agent[:512]
    if is_bot(agent):
        return False
    now = timezone.now()
    today, yesterday = now.date(), now.date() - ONE_DAY
    lately = visitor_hash(yesterday, link, address, agent)
    if LinkVisit.objects.filter(link=link, visitor_hash=lately, seen_at__gt=now - REPEAT_WITHIN).exists():
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
            {
                "link": link.id,
                "visitor": visitor_hash(today, link, address, agent),
                "now": now,
                "day": today,
            },
        )
        return bool(cursor.rowcount)


def visitor_hash(day: date, link: ReferralLink, address: str, user_agent: str) -> str:
    """Who came, as nobody can tell without the day's key; another one for every link."""
    content = orjson.dumps([str(link.id), address, user_agent])
    return hashlib.blake2b(content, key=_key_of(day), digest_size=32).hexdigest()


def _key_of(day: date) -> bytes:
    """The random key of a day, drawn on first use; the process remembers those of two days."""
    if day not in _keys:
        row, created = VisitorKey.objects.get_or_create(
            day=day, defaults={"key": secrets.token_bytes(KEY_BYTES)}
        )
        if created and connection.in_atomic_block:
            # It may yet be rolled back; remember it when it is read again.
            return bytes(row.key)
        for old in [known for known in list(_keys) if known < day - ONE_DAY]:
            _keys.pop(old, None)
        _keys[day] = bytes(row.key)
    return _keys[day]


def forget_keys() -> None:
    """Read the keys again, for tests that empty the database."""
    _keys.clear()


def visits_forget() -> int:
    """Delete visits and keys that no longer serve to recognize a repeat; returns how many visits."""
    now = timezone.now()
    VisitorKey.objects.filter(day__lt=now.date() - ONE_DAY).delete()
    deleted, _ = LinkVisit.objects.filter(seen_at__lt=now - REPEAT_WITHIN).delete()
    return deleted
