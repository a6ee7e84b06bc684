"""Codes instead of sentences, third part: what holds from now on, for every row.

The constraints are validated, history is append-only without an exception, and failed rewards are found by the code
of their error. Nothing here keeps anybody from reading or writing for longer than a moment; a run that was stopped is
begun again.
"""

from pathlib import Path

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"
INDEX = """
CREATE INDEX CONCURRENTLY reward_failed_by_error
ON rewards_referralreward (referral_error_group(last_error_code, last_error_params), updated_at, id)
WHERE status = 'failed'
"""
CONSTRAINTS = (
    ("referralreward", "reward_error_known"),
    ("payoutattempt", "attempt_cause_known"),
    ("rewardtransition", "transition_reason_known"),
    ("peercircuit", "circuit_error_known"),
    ("peerprobe", "probe_cause_known"),
    ("reconciliationrun", "run_problems_known"),
    ("reconciliationfinding", "finding_ours_known"),
    ("reconciliationfinding", "finding_theirs_known"),
    ("relationimportline", "import_line_problems_known"),
)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('rewards', '0016_code_rows'),
    ]

    operations = [
        # One that was stopped has left an index that nobody uses.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS reward_failed_by_error", migrations.RunSQL.noop),
        migrations.RunSQL(
            INDEX,
            "DROP INDEX reward_failed_by_error",
            state_operations=[
                migrations.AddIndex(
                    model_name='referralreward',
                    index=models.Index(models.Func(models.F('last_error_code'), models.F('last_error_params'), function='referral_error_group', output_field=models.TextField()), models.F('updated_at'), models.F('id'), condition=models.Q(('status', 'failed')), name='reward_failed_by_error'),
                ),
            ],
        ),
        migrations.RunSQL("SET lock_timeout = '5s'", migrations.RunSQL.noop),
        *(ValidateConstraint(model, name) for model, name in CONSTRAINTS),
        migrations.RunSQL((SQL / "0017_coded_for_good.sql").read_text(), migrations.RunSQL.noop),
        migrations.RunSQL("RESET lock_timeout", migrations.RunSQL.noop),
    ]
