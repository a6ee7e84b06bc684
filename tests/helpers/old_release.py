"""A database as a release without codes has left it, and rows as that release writes them."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from tests.helpers.processes import ROOT, database_url

KEYED_OTHERWISE = ("rewards_peercircuit", "rewards_peerprobe", "rewards_relationimportline")
NOW = datetime(2026, 11, 24, 10, 45, tzinfo=UTC)


class OldRelease:
    """A database of its own that is brought to one state of the rewards after another."""

    def __init__(self, name: str, *, like: str = "template1") -> None:
        self.name = f"{connection.settings_dict['NAME']}_{name}"
        self.url = f"{database_url().rpartition('/')[0]}/{self.name}"
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{like}"')

    def open(self) -> None:
        """Begin to write in it, with a campaign of its own."""
        self.connection = psycopg.connect(self.url, autocommit=True)
        campaign = {"code": "quests", "name": "Quests", "campaign_type": "purchase", "status": "active"}
        blank = {"description": "", "event_types": ["quest_purchased"], "scope": Jsonb({})}
        dates = {"created_at": NOW, "updated_at": NOW}
        numbers = {"is_default": False, "revision": 1, "reward_rules": Jsonb({})}
        self.campaign = self.insert("campaigns_referralcampaign", **campaign, **blank, **dates, **numbers)
        version = {"number": 1, "rules": Jsonb({}), "valid_from": NOW, "created_at": NOW, "created_by": "b"}
        self.version = self.insert("campaigns_ruleversion", campaign_id=self.campaign, **version)

    def drop(self) -> None:
        """Take it away."""
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')

    def migrate(self, state: str) -> "subprocess.CompletedProcess[str]":
        """Bring the rewards to a state, with what that needs of others."""
        return subprocess.run(
            [sys.executable, "manage.py", "migrate", "rewards", state, "--verbosity=0"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            check=False,
        )

    def rows(self, statement: str) -> list[Any]:
        """What a query gives."""
        return self.connection.execute(statement).fetchall()  # type: ignore[call-overload] - our own texts

    def execute(self, statement: str, *values: Any) -> None:
        """Run a statement in a transaction of its own."""
        self.connection.execute(statement, values)  # type: ignore[call-overload] - our own texts

    def insert(self, table: str, **columns: Any) -> Any:
        """Write a row with these columns; returns its id, if it has one."""
        if table not in KEYED_OTHERWISE:
            columns["id"] = uuid7()
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
        )
        self.connection.execute(statement, [*columns.values()])
        return columns.get("id")

    # --- rows with texts ------------------------------------------------------------------------------------

    def reward(self, last_error: str = "", **columns: Any) -> Any:
        """A failed reward with an event of its own."""
        event = self.insert(
            "referral_referralevent",
            campaign_id=self.campaign,
            rule_version_id=self.version,
            event_type="quest_purchased",
            source_service="quest_service",
            idempotency_key=str(uuid7()),
            fingerprint="f",
            referrer_user_id="ann",
            referred_user_id="bob",
            occurred_at=NOW,
            created_at=NOW,
        )
        money = {"currency": "points", "points_amount": 10, "beneficiary_user_id": "ann"}
        counters = {"attempts": 1, "failures": 0, "mint_number": 1, "in_doubt": False}
        dates = dict.fromkeys(("available_at", "created_at", "updated_at"), NOW)
        return self.insert(
            "rewards_referralreward",
            referral_event_id=event,
            campaign_id=self.campaign,
            last_error=last_error,
            **({"status": "failed", "beneficiary_level": 1} | money | counters | dates | columns),
        )

    def move(self, reward: Any, before: str, after: str, actor: str, reason: str) -> Any:
        """A status change."""
        texts = {"from_status": before, "to_status": after, "actor": actor, "reason": reason}
        return self.insert("rewards_rewardtransition", reward_id=reward, at=NOW, **texts)

    def attempt(self, reward: Any, outcome: str, status: int | None, code: str, message: str) -> Any:
        """A call."""
        return self.insert(
            "rewards_payoutattempt",
            reward_id=reward,
            number=1,
            started_at=NOW,
            finished_at=NOW,
            outcome=outcome,
            http_status=status,
            error_code=code,
            message=message,
            peer_reference="",
            request_id="r",
        )

    def finding(self, external_id: str, ours: str, theirs: str) -> Any:
        """A disagreement."""
        return self.insert(
            "rewards_reconciliationfinding",
            kind="extra",
            state="open",
            peer="points",
            external_id=external_id,
            ours=ours,
            theirs=theirs,
            found_at=NOW,
            found_again_at=NOW,
            closed_by="",
            note="",
        )

    def run(self, problems: str) -> Any:
        """A comparison."""
        read = dict.fromkeys(("bookings", "tasks", "repaired"), 0)
        return self.insert("rewards_reconciliationrun", started_at=NOW, problems=problems, **read)

    def import_of(self, problems: list[str]) -> Any:
        """An import with a line for each of these."""
        counts = dict.fromkeys(("total", "done", "made"), 0)
        who = {"file_name": "f", "created_by": "b", "created_at": NOW}
        made = self.insert("rewards_relationimport", campaign_id=self.campaign, **who, **counts)
        blank = {"referrer_user_id": "", "referred_user_id": "", "expected": "invalid", "outcome": ""}
        for number, problem in enumerate(problems):
            line = {"relation_import_id": made, "number": number, "problem": problem}
            self.insert("rewards_relationimportline", **line, **blank)
        return made

    def bulk_retry(self, error: str) -> Any:
        """An order to retry what failed with one error."""
        blank = dict.fromkeys(("currency", "reason", "created_by", "run_by"), "")
        numbers = dict.fromkeys(("total", "points", "g2a", "retried", "refused"), 0)
        dates = {"failed_before": NOW, "created_at": NOW}
        return self.insert("rewards_bulkretry", error=error, state="stopped", **blank, **numbers, **dates)
