"""How far Analytics is in the history, and what it refused."""

from pathlib import Path

import uuid_utils.compat
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"

DROP = """
DROP TABLE rewards_analyticscursor;
DROP FUNCTION referral_numbers(bigint[]);
DROP INDEX transition_by_recorded_no;
DROP INDEX event_by_recorded_no;
"""


class Migration(migrations.Migration):
    dependencies = [("rewards", "0004_reconciliation"), ("referral", "0002_relations")]

    operations = [
        migrations.RunSQL((SQL / "0005_analytics.sql").read_text(), DROP),
        migrations.CreateModel(
            name="AnalyticsRefusal",
            fields=[
                ("id", models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ("entry_id", models.UUIDField()),
                ("recorded_no", models.BigIntegerField()),
                ("event_name", models.CharField(max_length=64)),
                ("http_status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("message", models.CharField(blank=True, default="", max_length=500)),
                ("refused_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"ordering": ("-id",)},
        ),
    ]
