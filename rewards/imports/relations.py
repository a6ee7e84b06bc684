"""Importing relations that existed before: looked at first, then written in portions, as registrations are.

A portion is one transaction under the lock of relations: its relations, their counters, the outcome of its
lines and the progress commit together. Stopping between portions leaves nothing half done, and going on
begins at the first line without an outcome.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access.audit import Verb, audit_note
from campaigns.catalog import CampaignEntry, catalog
from campaigns.locks import lock_relations
from campaigns.models import ReferralCampaign
from kernel.database import database_now
from kernel.errors import CampaignInactive, NotFound
from referral.models import ReferralRelation
from referral.selectors import relation_in
from referral.services import ALREADY_REFERRED, CIRCULAR, SELF_REFERRAL, RelationRefused, relation_create
from rewards.imports.file import Line, lines_read
from rewards.ledger.statistics import stats_add
from rewards.models import RelationImport, RelationImportLine

Outcome = RelationImportLine.Outcome
# Registrations wait while a portion is written.
PORTION_LINES = 100
PORTION_SECONDS = timedelta(milliseconds=300)
BATCH = 1000


def import_prepare(*, campaign: ReferralCampaign, file_name: str, content: bytes, by: str) -> RelationImport:
    """Keep a file with what would become of each line; no relation is written.

    Raises ValidationFailed about the file, CampaignInactive for an archived campaign.
    """
    _require_open(campaign.status)
    lines = lines_read(content)
    expected = foresee(campaign, lines)
    with transaction.atomic():
        prepared = RelationImport.objects.create(
            campaign=campaign, file_name=file_name[:200], created_by=by[:160], total=len(lines)
        )
        RelationImportLine.objects.bulk_create(
            (
                RelationImportLine(
                    relation_import=prepared,
                    number=line.number,
                    referrer_user_id=line.referrer,
                    referred_user_id=line.referred,
                    registered_at=line.registered_at,
                    problem_list=[{"code": problem} for problem in line.problems],
                    expected=outcome,
                )
                for line, outcome in zip(lines, expected, strict=True)
            ),
            batch_size=BATCH,
        )
    return prepared


def _require_open(status: str) -> None:
    if status == ReferralCampaign.Status.ARCHIVED:
        raise CampaignInactive(_("An archived campaign takes no referrals."))


# --- what would become of each line -------------------------------------------------------------------------


def foresee(campaign: ReferralCampaign, lines: Sequence[Line]) -> list[str]:
    """What writing would do to each line, one after another, as things stand; takes no lock."""
    usable = [line for line in lines if not line.problems]
    held = _held(campaign, [line.referred for line in usable])
    parents = _parents([line.referrer for line in usable])
    outcomes = []
    for line in lines:
        outcome = _foreseen(line, held, parents)
        if outcome == Outcome.MADE:
            held[line.referred] = (line.referrer, campaign.pk)
            parents.setdefault(line.referred, set()).add(line.referrer)
        elif outcome == Outcome.ALREADY_REFERRED and held[line.referred] == (line.referrer, campaign.pk):
            outcome = Outcome.KNOWN
        outcomes.append(outcome)
    return outcomes


def _foreseen(line: Line, held: dict[str, tuple[str, UUID]], parents: dict[str, set[str]]) -> str:
    """The checks of `relation_create`, in its order."""
    if line.problems:
        return Outcome.INVALID
    if line.referrer == line.referred:
        return Outcome.SELF_REFERRAL
    if line.referred in held:
        return Outcome.ALREADY_REFERRED
    return Outcome.CIRCULAR if _leads_to(line.referred, line.referrer, parents) else Outcome.MADE


def _held(campaign: ReferralCampaign, users: Sequence[str]) -> dict[str, tuple[str, UUID]]:
    """The relations that stand in the way: those of the campaign, and invitations where it invites."""
    rows = ReferralRelation.objects.filter(referred_user_id__in=users).values_list(
        "referred_user_id", "referrer_user_id", "campaign_id", "is_invitation"
    )
    found: dict[str, tuple[str, UUID]] = {}
    for referred, referrer, campaign_id, is_invitation in rows:
        if campaign_id == campaign.pk:
            found[referred] = (referrer, campaign_id)
        elif is_invitation and campaign.is_invitation:
            found.setdefault(referred, (referrer, campaign_id))
    return found


def _parents(users: Iterable[str]) -> dict[str, set[str]]:
    """Who invited whom, for everybody above these users, over all campaigns: a query a generation."""
    parents: dict[str, set[str]] = {}
    frontier = set(users)
    while frontier:
        rows = ReferralRelation.objects.filter(referred_user_id__in=frontier)
        parents |= {user: set() for user in frontier}
        for referred, referrer in rows.values_list("referred_user_id", "referrer_user_id"):
            parents[referred].add(referrer)
        frontier = {above for user in frontier for above in parents[user]} - parents.keys()
    return parents


def _leads_to(ancestor: str, descendant: str, parents: dict[str, set[str]]) -> bool:
    seen, open_ends = set(), [descendant]
    while open_ends:
        user = open_ends.pop()
        if user == ancestor:
            return True
        if user not in seen:
            seen.add(user)
            open_ends += parents.get(user, ())
    return False


# --- writing ------------------------------------------------------------------------------------------------


def import_go_on(*, import_id: UUID, by: str) -> RelationImport:
    """Write the next portion of lines; does nothing when all are done.

    Raises NotFound, CampaignInactive when the campaign was archived meanwhile.
    """
    with transaction.atomic():
        lock_relations()
        running = (
            RelationImport.objects.select_for_update(of=("self",))
            .select_related("campaign")
            .filter(pk=import_id)
            .first()
        )
        if running is None:
            raise NotFound(_("There is no such import."))
        if running.finished_at:
            return running
        _require_open(running.campaign.status)
        if running.started_at is None:
            running.started_at = database_now()
            _note(running, by, before={"lines": 0}, after={"lines": running.total})
        _portion_write(running)
        if running.done == running.total:
            running.finished_at = database_now()
            _note(running, by, before={"made": None}, after={"made": running.made})
        running.save()
    return running


def _note(running: RelationImport, by: str, *, before: dict[str, int | None], after: dict[str, int]) -> None:
    audit_note(by=by, verb=Verb.IMPORTED, target=running, before=before, after=after)


def _portion_write(running: RelationImport) -> None:
    campaign = catalog.by_id(running.campaign_id)
    if campaign is None:
        raise NotFound(_("There is no such campaign."))
    until = timezone.now() + PORTION_SECONDS
    counts: Counter[str] = Counter()
    lines = list(running.lines.filter(outcome="").order_by("number")[:PORTION_LINES])
    for place, line in enumerate(lines, start=1):
        line.outcome = _line_write(campaign, line)
        if line.outcome == Outcome.MADE:
            counts[line.referrer_user_id] += 1
        running.done += 1
        if timezone.now() > until:
            lines = lines[:place]
            break
    _outcomes_save(running, lines)
    running.made += counts.total()
    if counts:
        stats_add(
            {"user_id": user, "campaign_id": campaign.id, "referred_users": made}
            for user, made in counts.items()
        )


def _outcomes_save(running: RelationImport, lines: Sequence[RelationImportLine]) -> None:
    for outcome in Outcome.values:
        numbers = [line.number for line in lines if line.outcome == outcome]
        if numbers:
            running.lines.filter(number__in=numbers).update(outcome=outcome)


def _line_write(campaign: CampaignEntry, line: RelationImportLine) -> str:
    """Make the relation as a registration would, or say why not."""
    if line.problem_list or line.registered_at is None:
        return Outcome.INVALID
    try:
        relation_create(
            campaign=campaign,
            referrer=line.referrer_user_id,
            referred=line.referred_user_id,
            source=ReferralRelation.Source.IMPORT,
            registered_at=line.registered_at,
        )
    except RelationRefused as refusal:
        return _refused(campaign, line, refusal.reason)
    return Outcome.MADE


def _refused(campaign: CampaignEntry, line: RelationImportLine, reason: str) -> str:
    if reason == ALREADY_REFERRED:
        held = relation_in(line.referred_user_id, campaign.id, is_invitation=campaign.is_invitation)
        same = held and (held.referrer_user_id, held.campaign_id) == (line.referrer_user_id, campaign.id)
        return Outcome.KNOWN if same else Outcome.ALREADY_REFERRED
    return {SELF_REFERRAL: Outcome.SELF_REFERRAL, CIRCULAR: Outcome.CIRCULAR}[reason]
