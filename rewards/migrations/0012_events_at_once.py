"""The event path in one statement, where nothing stands in the way."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"

DROP = """
DROP FUNCTION referral_events_at_once(
    uuid, int, int, int, int, bigint, numeric, boolean, boolean, jsonb, jsonb
);
"""


class Migration(migrations.Migration):
    dependencies = [("rewards", "0011_filters")]

    operations = [migrations.RunSQL((SQL / "0012_events_at_once.sql").read_text(), DROP)]
