"""A worker's two database calls: claim what is due, record what came of it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"

DROP = """
DROP FUNCTION referral_payouts_record(jsonb, text, text);
DROP FUNCTION referral_payouts_claim(text, text, text, uuid, int, double precision, text, boolean);
"""


class Migration(migrations.Migration):
    dependencies = [("rewards", "0006_locked_by_campaign")]

    operations = [migrations.RunSQL((SQL / "0007_payouts.sql").read_text(), DROP)]
