"""The review list: its indexes and the grouping of errors; bulk retries and probes of peers."""

from pathlib import Path

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('referral', '0005_lookups'),
        ('rewards', '0012_events_at_once'),
    ]

    operations = [
        migrations.RunSQL(
            (SQL / "0013_review.sql").read_text(), "DROP FUNCTION referral_error_group(text)"
        ),
        migrations.CreateModel(
            name='BulkRetry',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('error', models.CharField(max_length=200, verbose_name='error')),
                ('currency', models.CharField(blank=True, default='', max_length=8, verbose_name='only in the currency')),
                ('failed_before', models.DateTimeField(verbose_name='failed before')),
                ('reason', models.CharField(max_length=500, verbose_name='reason')),
                ('created_by', models.CharField(max_length=160, verbose_name='ordered by')),
                ('created_at', models.DateTimeField(verbose_name='ordered')),
                ('run_by', models.CharField(max_length=160, verbose_name='started or continued by')),
                ('state', models.CharField(choices=[('running', 'Under way'), ('stopped', 'Stopped'), ('finished', 'Finished')], default='running', max_length=16, verbose_name='state')),
                ('total', models.PositiveIntegerField(default=0, verbose_name='rewards')),
                ('points', models.BigIntegerField(default=0, verbose_name='points')),
                ('g2a', models.DecimalField(decimal_places=9, default=0, max_digits=30, verbose_name='G2A')),
                ('retried', models.PositiveIntegerField(default=0, verbose_name='sent again')),
                ('refused', models.PositiveIntegerField(default=0, verbose_name='not sent again')),
                ('claim_token', models.UUIDField(blank=True, editable=False, null=True)),
                ('claimed_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
            ],
            options={
                'verbose_name': 'bulk retry',
                'verbose_name_plural': 'bulk retries',
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='BulkRetryItem',
            fields=[
                ('bulk_retry', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='rewards.bulkretry')),
                ('reward', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rewards.referralreward')),
                ('pk', models.CompositePrimaryKey('bulk_retry_id', 'reward_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('outcome', models.CharField(blank=True, choices=[('retried', 'Sent for payment again'), ('moved', 'No longer failed: somebody or something else was quicker'), ('failed_in_us', 'Our database refused it')], default='', max_length=16)),
                ('problem', models.CharField(blank=True, default='', max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='PeerProbe',
            fields=[
                ('peer', models.CharField(max_length=16, primary_key=True, serialize=False, verbose_name='peer')),
                ('asked_by', models.CharField(max_length=160, verbose_name='asked by')),
                ('asked_at', models.DateTimeField(verbose_name='asked')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='answered')),
                ('outcome', models.CharField(blank=True, default='', max_length=16, verbose_name='outcome')),
                ('http_status', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='HTTP status')),
                ('message', models.CharField(blank=True, default='', max_length=500, verbose_name='message')),
                ('milliseconds', models.PositiveIntegerField(blank=True, null=True, verbose_name='took')),
            ],
            options={
                'verbose_name': 'probe of a peer',
                'verbose_name_plural': 'probes of peers',
                'ordering': ('peer',),
            },
        ),
        migrations.AddIndex(
            model_name='referralreward',
            index=models.Index(condition=models.Q(('status', 'failed')), fields=['updated_at', 'id', 'currency', 'campaign'], name='reward_failed_since'),
        ),
        migrations.AddIndex(
            model_name='referralreward',
            index=models.Index(models.Func(models.F('last_error'), function='referral_error_group', output_field=models.TextField()), models.F('updated_at'), models.F('id'), condition=models.Q(('status', 'failed')), name='reward_failed_with'),
        ),
        migrations.AddIndex(
            model_name='referralreward',
            index=models.Index(condition=models.Q(('in_doubt', True), ('next_attempt_at__isnull', False)), fields=['first_failed_at', 'id'], name='reward_doubt_lasting'),
        ),
        migrations.AddIndex(
            model_name='referralreward',
            index=models.Index(condition=models.Q(('external_task_id__isnull', False), ('failures__gte', 120), ('status', 'sent_to_token')), fields=['created_at', 'id'], name='reward_task_silent'),
        ),
        migrations.AddField(
            model_name='bulkretry',
            name='campaign',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.referralcampaign', verbose_name='only of the campaign'),
        ),
        migrations.AddIndex(
            model_name='bulkretry',
            index=models.Index(condition=models.Q(('state', 'running')), fields=['id'], name='bulk_retry_running'),
        ),
        migrations.AddConstraint(
            model_name='bulkretry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('state', 'finished')), models.Q(models.Q(('state', 'finished'), _negated=True), ('finished_at__isnull', True)), _connector='OR'), name='bulk_retry_finished_has_time'),
        ),
        migrations.AddIndex(
            model_name='bulkretryitem',
            index=models.Index(condition=models.Q(('outcome', 'retried'), _negated=True), fields=['bulk_retry', 'outcome', 'reward'], name='bulk_retry_item_open'),
        ),
    ]
