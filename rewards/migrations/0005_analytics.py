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
                ("entry_id", models.UUIDField(verbose_name="entry id")),
                ("recorded_no", models.BigIntegerField(verbose_name="number in the history")),
                ("event_name", models.CharField(max_length=64, verbose_name="event name")),
                ("http_status", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="HTTP status")),
                ("message", models.CharField(blank=True, default="", max_length=500, verbose_name="message")),
                ("refused_at", models.DateTimeField(auto_now_add=True, verbose_name="refused")),
            ],
            options={
                "verbose_name": "refusal by Analytics",
                "verbose_name_plural": "refusals by Analytics",
                "ordering": ("-id",),
            },
        ),
    ]
