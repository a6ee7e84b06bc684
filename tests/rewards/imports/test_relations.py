"""Relations that existed before are looked at first, and written as registrations are, in portions."""

import pytest
from django.db.models import Count

from access.models import AuditEntry
from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from dev.demo.campaigns import demo_campaigns_ensure
from kernel.errors import CampaignInactive, ValidationFailed
from referral.models import ReferralRelation
from rewards.imports import relations
from rewards.imports.relations import import_go_on, import_prepare
from rewards.models import RelationImport, RelationImportLine
from tests.helpers.api import invite
from tests.helpers.rewards import assert_counters_agree_with_a_recount

HEADING = "referrer_user_id,referred_user_id,registered_at\n"
BY = "staff:maria"


@pytest.fixture(autouse=True)
def _campaigns(db):
    demo_campaigns_ensure()


def campaign(code="user_invite_default"):
    return ReferralCampaign.objects.get(code=code)


def prepare(*lines, code="user_invite_default", heading=HEADING):
    content = (heading + "\n".join(lines)).encode()
    return import_prepare(campaign=campaign(code), file_name="old.csv", content=content, by=BY)


def finish(prepared):
    while not (prepared := import_go_on(import_id=prepared.pk, by=BY)).finished_at:
        pass
    return prepared


def outcomes(prepared, what):
    return list(prepared.lines.order_by("number").values_list(what, flat=True))


def test_every_line_becomes_what_was_foreseen():
    invite("eve", "fay")
    lines = (
        "ann,bob,2026-01-31",  # made
        "bob,cid,2026-02-01T10:00:00+03:00",  # made
        "cid,ann,2026-02-02",  # closes a ring of three, of which two lines stand in this file
        "ann,bob,2026-01-31",  # stands in the file already
        "eve,bob,2026-01-31",  # somebody else's by a line above
        "zoe,fay,2026-01-31",  # somebody else's on record
        "eve,fay,2026-01-31",  # on record
        "fay,eve,2026-01-31",  # closes a ring of two with what is on record
        "dan,dan,2026-01-31",
        "no good,gus,2026-01-31",
        "ann,hal,yesterday",
        "ann,ida",
        "ann,jan,2026-01-31T10:00:00",  # without an offset
        "ann,kim,2999-01-31",
    )

    prepared = prepare(*lines)
    assert ReferralRelation.objects.filter(source="import").count() == 0
    finished = finish(prepared)

    expected = [
        "made",
        "made",
        "circular",
        "known",
        "already_referred",
        "already_referred",
        "known",
        "circular",
    ]
    expected += ["self_referral", *["invalid"] * 5]
    assert outcomes(prepared, "expected") == expected
    assert outcomes(prepared, "outcome") == expected
    assert (finished.total, finished.done, finished.made) == (14, 14, 2)
    made = ReferralRelation.objects.filter(source="import").order_by("referred_user_id")
    assert [(row.referrer_user_id, row.referred_user_id) for row in made] == [("ann", "bob"), ("bob", "cid")]
    assert made[1].registered_at.isoformat() == "2026-02-01T07:00:00+00:00"
    assert_counters_agree_with_a_recount()


def test_a_line_says_what_is_wrong_with_it_and_spoils_no_other():
    prepared = prepare("no good,,soon", "ann,bob,2026-01-31")

    codes = [problem["code"] for problem in prepared.lines.get(number=2).problem_list]
    assert codes == ["bad_referrer", "bad_referred", "not_a_time"]
    assert finish(prepared).made == 1


def test_in_a_purchase_campaign_an_invitation_is_no_obstacle():
    invite("ann", "bob")

    prepared = prepare("eve,bob,2026-01-31", "bob,ann,2026-01-31", code="quest_purchase_default")
    finish(prepared)

    assert outcomes(prepared, "expected") == outcomes(prepared, "outcome") == ["made", "circular"]


def test_an_imported_relation_still_gets_its_registration(monkeypatch):
    finish(prepare("ann,bob,2026-01-31"))

    answer = invite("ann", "bob")

    assert (answer.body["success"], answer.body["duplicate"]) == (True, False)
    assert ReferralRelation.objects.get(referred_user_id="bob").source == "import"
    assert_counters_agree_with_a_recount()


def test_what_was_stopped_goes_on_where_it_stopped(monkeypatch):
    monkeypatch.setattr(relations, "PORTION_LINES", 2)
    prepared = prepare(*(f"ann,u-{number},2026-01-31" for number in range(5)))

    first = import_go_on(import_id=prepared.pk, by=BY)
    assert (first.done, first.made, first.finished_at) == (2, 2, None)
    assert_counters_agree_with_a_recount()
    finished = finish(first)

    assert (finished.done, finished.made) == (5, 5)
    assert import_go_on(import_id=prepared.pk, by=BY).made == 5
    assert ReferralRelation.objects.count() == 5


def test_a_portion_that_fails_leaves_nothing_of_itself(monkeypatch):
    monkeypatch.setattr(relations, "PORTION_LINES", 3)
    prepared = prepare(*(f"ann,u-{number},2026-01-31" for number in range(5)))
    real, calls = relations.relation_create, []

    def failing(**options):
        calls.append(options)
        if len(calls) == 5:
            raise ZeroDivisionError
        return real(**options)

    monkeypatch.setattr(relations, "relation_create", failing)
    import_go_on(import_id=prepared.pk, by=BY)
    with pytest.raises(ZeroDivisionError):
        import_go_on(import_id=prepared.pk, by=BY)

    assert ReferralRelation.objects.count() == 3
    assert RelationImport.objects.get().done == 3
    assert_counters_agree_with_a_recount()
    assert finish(prepared).made == 5


def test_what_changed_after_the_preview_is_checked_again():
    prepared = prepare("ann,bob,2026-01-31", "cid,dan,2026-01-31")
    invite("eve", "bob")
    invite("dan", "cid")

    finish(prepared)

    assert outcomes(prepared, "expected") == ["made", "made"]
    assert outcomes(prepared, "outcome") == ["already_referred", "circular"]


def test_an_import_and_its_end_are_in_the_audit_log():
    finish(prepare("ann,bob,2026-01-31"))

    begun, ended = AuditEntry.objects.order_by("id")
    assert (begun.actor, begun.verb, begun.object_name, begun.after) == (
        BY,
        "imported",
        "old.csv",
        {"lines": 1},
    )
    assert ended.after == {"made": 1}


def test_an_archived_campaign_takes_no_relations():
    prepared = prepare("ann,bob,2026-01-31")
    campaign_update(campaign_id=campaign().pk, changes={"status": "archived"}, by="test")

    with pytest.raises(CampaignInactive):
        import_go_on(import_id=prepared.pk, by=BY)
    with pytest.raises(CampaignInactive):
        prepare("ann,bob,2026-01-31")

    assert not ReferralRelation.objects.exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "missing columns: referrer_user_id, referred_user_id, registered_at"),
        (b"referrer_user_id,registered_at\nann,2026-01-31", "missing columns: referred_user_id"),
        (HEADING.encode(), "No lines below"),
        (HEADING.encode() + "ann,жук,2026-01-31".encode("cp1251"), "UTF-8"),
        (HEADING.encode() + b"ann,b\x00b,2026-01-31", "Not a text file"),
        (HEADING.encode() + b"x" * 140_000, "Not a CSV file"),
        (b"x" * (4 * 1024 * 1024 + 1), "larger than 4 MB"),
        (HEADING.encode() + b"a,b,2026-01-31\n" * 20_001, "More than 20000 lines"),
    ],
    ids=["empty", "column", "heading", "encoding", "binary", "csv", "large", "long"],
)
def test_a_file_that_cannot_be_used_is_refused_whole(content, problem):
    with pytest.raises(ValidationFailed, match=problem) as refused:
        import_prepare(campaign=campaign(), file_name="old.csv", content=content, by=BY)

    assert list(refused.value.details) == ["file"]
    assert not RelationImport.objects.exists()


def test_semicolons_a_mark_of_order_and_other_columns_are_understood():
    heading = "\ufeffName;Registered_at;Referrer_user_id;referred_user_id\r\n"

    prepared = prepare("Ann;2026-01-31;ann;bob\r", "", "Cid;2026-01-31;bob;cid", heading=heading)

    assert outcomes(prepared, "expected") == ["made", "made"]


def test_the_preview_asks_once_a_generation_not_once_a_line(django_assert_max_num_queries):
    for number in range(5):
        invite(f"chain-{number}", f"chain-{number + 1}")
    lines = [f"chain-5,u-{number},2026-01-31" for number in range(500)]

    with django_assert_max_num_queries(14):
        prepared = prepare(*lines)

    assert prepared.lines.values("expected").annotate(number=Count("number")).get()["number"] == 500
    assert RelationImportLine.objects.count() == 500
