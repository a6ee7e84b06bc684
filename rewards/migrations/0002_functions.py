"""The event path's locks and counters; history is append-only; statuses move along the table."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"

DROP_HISTORY = """
ALTER TABLE rewards_rewardtransition DROP COLUMN recorded_no;
DROP TRIGGER reward_never_deleted ON rewards_referralreward;
DROP TRIGGER reward_legal_transition ON rewards_referralreward;
DROP FUNCTION referral_legal_transition();
DROP TRIGGER reward_transition_append_only ON rewards_rewardtransition;
DROP TRIGGER payout_attempt_append_only ON rewards_payoutattempt;
"""
DROP_STATS = """
DROP FUNCTION referral_stats_add(jsonb);
DROP FUNCTION referral_stats_change(jsonb);
DROP FUNCTION referral_stats_lock(text[], uuid[]);
"""


class Migration(migrations.Migration):
    dependencies = [("rewards", "0001_initial"), ("referral", "0002_relations")]

    operations = [
        migrations.RunSQL((SQL / "0002_history.sql").read_text(), DROP_HISTORY),
        migrations.RunSQL((SQL / "0002_stats.sql").read_text(), DROP_STATS),
        migrations.RunSQL(
            (SQL / "0002_events_open.sql").read_text(), "DROP FUNCTION referral_events_open(jsonb);"
        ),
        migrations.RunSQL(
            (SQL / "0002_events_write.sql").read_text(),
            "DROP FUNCTION referral_events_write(jsonb, jsonb, jsonb, jsonb, jsonb, jsonb);",
        ),
    ]
