"""Whom a user has invited, on two levels and never more than can be drawn; and who invited them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Coalesce

from referral.models import ReferralRelation, UserRole
from rewards.models import ReferralStats

# People drawn on the first level, and beneath each of them.
BRANCHES, TWIGS = 10, 4
STEPS_UP = 5

# One invitation at most leads up from a user (invariant D1), and there are no rings (D2).
UPLINE = """
WITH RECURSIVE step (id, user_id, number) AS (
    SELECT id, referrer_user_id, 1 FROM referral_referralrelation
    WHERE referred_user_id = %(user)s AND is_invitation
    UNION ALL
    SELECT relation.id, relation.referrer_user_id, step.number + 1
    FROM step JOIN referral_referralrelation relation
      ON relation.referred_user_id = step.user_id AND relation.is_invitation
    WHERE step.number < %(most)s
)
SELECT id FROM step ORDER BY number
"""


@dataclass(slots=True)
class Person:
    """Somebody in the tree; `more` is how many of theirs are not shown."""

    user_id: str
    role: str = ""
    invited: list["Person"] = field(default_factory=list)
    more: int = 0


def tree_of(user_id: str) -> Person:
    """The user with the newest of those they invited, and the newest of theirs."""
    root = Person(user_id)
    level1 = _invited([root], BRANCHES)
    level2 = _invited(level1, TWIGS)
    people = [root, *level1, *level2]
    roles = dict(
        UserRole.objects.filter(pk__in=[person.user_id for person in people]).values_list("user_id", "role")
    )
    for person in people:
        person.role = roles.get(person.user_id, "")
    totals = _totals(people)
    for person in people:
        person.more = max(0, totals.get(person.user_id, 0) - len(person.invited))
    return root


def _invited(parents: list[Person], most: int) -> list[Person]:
    """Give each parent the newest few that they invited; returns these.

    A question of its own for each, so that the one who has invited thousands is read by the index, too. More
    are asked for than are shown: a pair that has relations in several campaigns is one branch.
    """
    if not parents:
        return []
    each = [
        ReferralRelation.objects.filter(referrer_user_id=parent.user_id)
        .order_by("-registered_at", "-id")
        .values_list("registered_at", "id", "referrer_user_id", "referred_user_id")[: 2 * most]
        for parent in parents
    ]
    children: dict[str, dict[str, Person]] = defaultdict(dict)
    newest_first = sorted(each[0].union(*each[1:], all=True), reverse=True)
    for _at, _pk, parent_id, child_id in newest_first:
        if len(children[parent_id]) < most:
            children[parent_id].setdefault(child_id, Person(child_id))
    for parent in parents:
        parent.invited = list(children[parent.user_id].values())
    return [person for parent in parents for person in parent.invited]


def _totals(people: Iterable[Person]) -> dict[str, int]:
    """How many each has invited, by the counters: whoever has thousands is not counted again."""
    rows = ReferralStats.objects.filter(user_id__in=[person.user_id for person in people]).order_by()
    sums = rows.values("user_id").annotate(total=Coalesce(Sum("total_referred_users"), 0))
    return dict(sums.values_list("user_id", "total"))


def upline_of(user_id: str) -> list[ReferralRelation]:
    """The invitations that lead up from a user, nearest first, with campaign and link."""
    with connection.cursor() as cursor:
        cursor.execute(UPLINE, {"user": user_id, "most": STEPS_UP})
        ids = [pk for (pk,) in cursor.fetchall()]
    relations = ReferralRelation.objects.select_related("campaign", "referral_link").in_bulk(ids)
    return [relations[pk] for pk in ids]
