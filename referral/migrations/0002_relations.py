"""Upline functions; events are append-only."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"

DROP = """
ALTER TABLE referral_referralevent DROP COLUMN recorded_no;
DROP SEQUENCE referral_recorded;
DROP TRIGGER event_append_only ON referral_referralevent;
DROP FUNCTION referral_leads_to(text, text);
DROP FUNCTION referral_uuid7();
"""


class Migration(migrations.Migration):
    dependencies = [("referral", "0001_initial"), ("campaigns", "0002_append_only")]

    operations = [migrations.RunSQL((SQL / "0002_relations.sql").read_text(), DROP)]
