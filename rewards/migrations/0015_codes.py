"""Codes instead of sentences, first part: the columns, and what fills them while the release before still runs.

Nothing is taken away that the release before reads or writes. Its texts (`last_error`, `ours`, `theirs`,
`problems`, `problem`) leave the state only and stay in the tables, with their index, until a later release drops
them together with the triggers of 0015_writers.sql and the functions of 0015_codes.sql.
"""

from pathlib import Path

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


def run(name: str) -> migrations.RunSQL:
    return migrations.RunSQL((SQL / name).read_text())


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('referral', '0008_filters'),
        ('rewards', '0014_tokens_by_key'),
    ]

    operations = [
        # Whoever has to wait for a table holds up everybody behind it: better to fail and be run again.
        migrations.RunSQL("SET LOCAL lock_timeout = '5s'"),
        run("0015_codes.sql"),
        run("0015_error_group.sql"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex(
                    model_name='referralreward',
                    name='reward_failed_with',
                ),
                migrations.RemoveField(
                    model_name='peercircuit',
                    name='last_error',
                ),
                migrations.RemoveField(
                    model_name='reconciliationfinding',
                    name='ours',
                ),
                migrations.RemoveField(
                    model_name='reconciliationfinding',
                    name='theirs',
                ),
                migrations.RemoveField(
                    model_name='reconciliationrun',
                    name='problems',
                ),
                migrations.RemoveField(
                    model_name='referralreward',
                    name='last_error',
                ),
                migrations.RemoveField(
                    model_name='relationimportline',
                    name='problem',
                ),
            ],
        ),
        # The release before inserts rows with its texts, this one without.
        migrations.RunSQL(
            "ALTER TABLE rewards_referralreward ALTER COLUMN last_error SET DEFAULT '';"
            "ALTER TABLE rewards_peercircuit ALTER COLUMN last_error SET DEFAULT '';"
            "ALTER TABLE rewards_reconciliationrun ALTER COLUMN problems SET DEFAULT '';"
            "ALTER TABLE rewards_reconciliationfinding ALTER COLUMN ours SET DEFAULT '',"
            " ALTER COLUMN theirs SET DEFAULT '';"
            "ALTER TABLE rewards_relationimportline ALTER COLUMN problem SET DEFAULT ''"
        ),
        migrations.AddField(
            model_name='payoutattempt',
            name='cause',
            field=models.CharField(blank=True, choices=[('http_status', 'Http Status'), ('connection_refused', 'Connection Refused'), ('dns', 'Dns'), ('tls', 'Tls'), ('timeout', 'Timeout'), ('connection_reset', 'Connection Reset'), ('network', 'Network'), ('unsendable', 'Unsendable'), ('unreadable_answer', 'Unreadable Answer'), ('answer_too_large', 'Answer Too Large'), ('unpromised_answer', 'Unpromised Answer'), ('list_begins_again', 'List Begins Again'), ('task_unknown', 'Task Unknown'), ('task_failed', 'Task Failed'), ('many_refusals', 'Many Refusals'), ('internal', 'Internal'), ('not_recordable', 'Not Recordable'), ('called_back', 'Called Back'), ('on_record', 'On Record'), ('other', 'Other')], db_default='', default='', max_length=32, verbose_name='cause'),
        ),
        migrations.AddField(
            model_name='peercircuit',
            name='last_error_code',
            field=models.CharField(blank=True, choices=[('http_status', 'Http Status'), ('connection_refused', 'Connection Refused'), ('dns', 'Dns'), ('tls', 'Tls'), ('timeout', 'Timeout'), ('connection_reset', 'Connection Reset'), ('network', 'Network'), ('unsendable', 'Unsendable'), ('unreadable_answer', 'Unreadable Answer'), ('answer_too_large', 'Answer Too Large'), ('unpromised_answer', 'Unpromised Answer'), ('list_begins_again', 'List Begins Again'), ('task_unknown', 'Task Unknown'), ('task_failed', 'Task Failed'), ('many_refusals', 'Many Refusals'), ('internal', 'Internal'), ('not_recordable', 'Not Recordable'), ('called_back', 'Called Back'), ('on_record', 'On Record'), ('other', 'Other')], db_default='', default='', max_length=32, verbose_name='last error'),
        ),
        migrations.AddField(
            model_name='peercircuit',
            name='last_error_params',
            field=models.JSONField(db_default={}, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name='peerprobe',
            name='cause',
            field=models.CharField(blank=True, choices=[('http_status', 'Http Status'), ('connection_refused', 'Connection Refused'), ('dns', 'Dns'), ('tls', 'Tls'), ('timeout', 'Timeout'), ('connection_reset', 'Connection Reset'), ('network', 'Network'), ('unsendable', 'Unsendable'), ('unreadable_answer', 'Unreadable Answer'), ('answer_too_large', 'Answer Too Large'), ('unpromised_answer', 'Unpromised Answer'), ('list_begins_again', 'List Begins Again'), ('task_unknown', 'Task Unknown'), ('task_failed', 'Task Failed'), ('many_refusals', 'Many Refusals'), ('internal', 'Internal'), ('not_recordable', 'Not Recordable'), ('called_back', 'Called Back'), ('on_record', 'On Record'), ('other', 'Other')], db_default='', default='', max_length=32, verbose_name='cause'),
        ),
        migrations.AddField(
            model_name='reconciliationfinding',
            name='our_facts',
            field=models.JSONField(blank=True, null=True, verbose_name='on our record'),
        ),
        migrations.AddField(
            model_name='reconciliationfinding',
            name='their_facts',
            field=models.JSONField(blank=True, null=True, verbose_name="on the peer's record"),
        ),
        migrations.AddField(
            model_name='reconciliationrun',
            name='problem_list',
            field=models.JSONField(blank=True, db_default=[], default=list, verbose_name='problems'),
        ),
        migrations.AddField(
            model_name='referralreward',
            name='last_error_code',
            field=models.CharField(blank=True, choices=[('http_status', 'Http Status'), ('connection_refused', 'Connection Refused'), ('dns', 'Dns'), ('tls', 'Tls'), ('timeout', 'Timeout'), ('connection_reset', 'Connection Reset'), ('network', 'Network'), ('unsendable', 'Unsendable'), ('unreadable_answer', 'Unreadable Answer'), ('answer_too_large', 'Answer Too Large'), ('unpromised_answer', 'Unpromised Answer'), ('list_begins_again', 'List Begins Again'), ('task_unknown', 'Task Unknown'), ('task_failed', 'Task Failed'), ('many_refusals', 'Many Refusals'), ('internal', 'Internal'), ('not_recordable', 'Not Recordable'), ('called_back', 'Called Back'), ('on_record', 'On Record'), ('other', 'Other')], db_default='', default='', max_length=32, verbose_name='last error'),
        ),
        migrations.AddField(
            model_name='referralreward',
            name='last_error_params',
            field=models.JSONField(db_default={}, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name='relationimportline',
            name='problem_list',
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name='rewardtransition',
            name='reason_code',
            field=models.CharField(blank=True, choices=[('role_upgraded', 'Role Upgraded'), ('unlocked_by_person', 'Unlocked By Person'), ('retried_by_person', 'Retried By Person'), ('cancelled_by_person', 'Cancelled By Person'), ('returned_unasked', 'Returned Unasked'), ('try_failed', 'Try Failed'), ('payout_failed', 'Payout Failed'), ('given_up', 'Given Up'), ('callback_confirmed', 'Callback Confirmed'), ('callback_failed', 'Callback Failed'), ('ledger_shows_booking', 'Ledger Shows Booking'), ('task_ended', 'Task Ended'), ('other', 'Other')], db_default='', default='', max_length=32),
        ),
        migrations.AddField(
            model_name='rewardtransition',
            name='reason_params',
            field=models.JSONField(db_default={}, default=dict, editable=False),
        ),
        run("0015_writers.sql"),
        run("0015_payouts.sql"),
        AddConstraintNotValid(
            model_name='payoutattempt',
            constraint=models.CheckConstraint(condition=models.Q(('cause__in', ['http_status', 'connection_refused', 'dns', 'tls', 'timeout', 'connection_reset', 'network', 'unsendable', 'unreadable_answer', 'answer_too_large', 'unpromised_answer', 'list_begins_again', 'task_unknown', 'task_failed', 'many_refusals', 'internal', 'not_recordable', 'called_back', 'on_record', 'other']), models.Q(('cause', ''), ('message', ''), ('outcome__in', ['booked', 'accepted'])), _connector='OR'), name='attempt_cause_known'),
        ),
        AddConstraintNotValid(
            model_name='peercircuit',
            constraint=models.CheckConstraint(condition=models.Q(('last_error_code__in', ['', 'http_status', 'connection_refused', 'dns', 'tls', 'timeout', 'connection_reset', 'network', 'unsendable', 'unreadable_answer', 'answer_too_large', 'unpromised_answer', 'list_begins_again', 'task_unknown', 'task_failed', 'many_refusals', 'internal', 'not_recordable', 'called_back', 'on_record', 'other'])), name='circuit_error_known'),
        ),
        AddConstraintNotValid(
            model_name='peerprobe',
            constraint=models.CheckConstraint(condition=models.Q(('cause__in', ['', 'http_status', 'connection_refused', 'dns', 'tls', 'timeout', 'connection_reset', 'network', 'unsendable', 'unreadable_answer', 'answer_too_large', 'unpromised_answer', 'list_begins_again', 'task_unknown', 'task_failed', 'many_refusals', 'internal', 'not_recordable', 'called_back', 'on_record', 'other'])), name='probe_cause_known'),
        ),
        AddConstraintNotValid(
            model_name='reconciliationfinding',
            constraint=models.CheckConstraint(condition=models.Q(models.Func(models.F('our_facts'), models.Value('$[*] ? (!(@.code == "reward" || @.code == "no_reward" || @.code == "no_booking" || @.code == "booking" || @.code == "two_bookings" || @.code == "task" || @.code == "other"))'), function='jsonb_path_exists', output_field=models.BooleanField()), _negated=True), name='finding_ours_known'),
        ),
        AddConstraintNotValid(
            model_name='reconciliationfinding',
            constraint=models.CheckConstraint(condition=models.Q(models.Func(models.F('their_facts'), models.Value('$[*] ? (!(@.code == "reward" || @.code == "no_reward" || @.code == "no_booking" || @.code == "booking" || @.code == "two_bookings" || @.code == "task" || @.code == "other"))'), function='jsonb_path_exists', output_field=models.BooleanField()), _negated=True), name='finding_theirs_known'),
        ),
        AddConstraintNotValid(
            model_name='reconciliationrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Func(models.F('problem_list'), models.Value('$[*] ? (!(@.code == "record_unreadable" || @.code == "gateway_silent" || @.code == "too_many_findings" || @.code == "other"))'), function='jsonb_path_exists', output_field=models.BooleanField()), _negated=True), name='run_problems_known'),
        ),
        AddConstraintNotValid(
            model_name='referralreward',
            constraint=models.CheckConstraint(condition=models.Q(('last_error_code__in', ['', 'http_status', 'connection_refused', 'dns', 'tls', 'timeout', 'connection_reset', 'network', 'unsendable', 'unreadable_answer', 'answer_too_large', 'unpromised_answer', 'list_begins_again', 'task_unknown', 'task_failed', 'many_refusals', 'internal', 'not_recordable', 'called_back', 'on_record', 'other'])), name='reward_error_known'),
        ),
        AddConstraintNotValid(
            model_name='relationimportline',
            constraint=models.CheckConstraint(condition=models.Q(models.Func(models.F('problem_list'), models.Value('$[*] ? (!(@.code == "bad_referrer" || @.code == "bad_referred" || @.code == "not_a_time" || @.code == "no_offset" || @.code == "outside_calendar" || @.code == "in_future" || @.code == "other"))'), function='jsonb_path_exists', output_field=models.BooleanField()), _negated=True), name='import_line_problems_known'),
        ),
        AddConstraintNotValid(
            model_name='rewardtransition',
            constraint=models.CheckConstraint(condition=models.Q(('reason_code__in', ['role_upgraded', 'unlocked_by_person', 'retried_by_person', 'cancelled_by_person', 'returned_unasked', 'try_failed', 'payout_failed', 'given_up', 'callback_confirmed', 'callback_failed', 'ledger_shows_booking', 'task_ended', 'other']), models.Q(('reason', ''), ('reason_code', '')), _connector='OR'), name='transition_reason_known'),
        ),
    ]
