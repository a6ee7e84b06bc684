"""The order of history, how far Analytics is in it, and what Analytics refused."""

from pathlib import Path

import uuid_utils.compat
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"

DROP = """
DROP TABLE rewards_analyticscursor;
DROP FUNCTION referral_numbers(bigint[]);
ALTER TABLE rewards_rewardtransition DROP COLUMN recorded_no;
ALTER TABLE referral_referralevent DROP COLUMN recorded_no;
DROP SEQUENCE referral_recorded;
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
