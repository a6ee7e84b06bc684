"""The words of the glossary in names and labels; no SQL."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0003_words'),
        ('rewards', '0017_coded_for_good'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='analyticsrefusal',
            options={'ordering': ('-id',), 'verbose_name': 'entry rejected by Analytics', 'verbose_name_plural': 'entries rejected by Analytics'},
        ),
        migrations.AlterModelOptions(
            name='peercircuit',
            options={'ordering': ('peer',), 'verbose_name': 'provider', 'verbose_name_plural': 'providers'},
        ),
        migrations.AlterModelOptions(
            name='peerprobe',
            options={'ordering': ('peer',), 'verbose_name': 'provider check', 'verbose_name_plural': 'provider checks'},
        ),
        migrations.AlterModelOptions(
            name='reconciliationfinding',
            options={'ordering': ('-id',), 'verbose_name': 'discrepancy', 'verbose_name_plural': 'discrepancies'},
        ),
        migrations.AlterModelOptions(
            name='referralstats',
            options={'ordering': ('user_id',), 'verbose_name': 'user totals', 'verbose_name_plural': 'user totals'},
        ),
        migrations.AlterModelOptions(
            name='relationimport',
            options={'ordering': ('-id',), 'verbose_name': 'referral import', 'verbose_name_plural': 'referral imports'},
        ),
        migrations.AlterModelOptions(
            name='rewardtransition',
            options={'ordering': ('-id',), 'verbose_name': 'status change', 'verbose_name_plural': 'status history'},
        ),
        migrations.AlterField(
            model_name='analyticsrefusal',
            name='entry_id',
            field=models.UUIDField(verbose_name='entry ID'),
        ),
        migrations.AlterField(
            model_name='analyticsrefusal',
            name='recorded_no',
            field=models.BigIntegerField(verbose_name='position in the history'),
        ),
        migrations.AlterField(
            model_name='analyticsrefusal',
            name='refused_at',
            field=models.DateTimeField(auto_now_add=True, verbose_name='rejected'),
        ),
        migrations.AlterField(
            model_name='bulkretry',
            name='campaign',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.referralcampaign', verbose_name='campaign only'),
        ),
        migrations.AlterField(
            model_name='bulkretry',
            name='created_at',
            field=models.DateTimeField(verbose_name='started'),
        ),
        migrations.AlterField(
            model_name='bulkretry',
            name='created_by',
            field=models.CharField(max_length=160, verbose_name='started by'),
        ),
        migrations.AlterField(
            model_name='bulkretry',
            name='currency',
            field=models.CharField(blank=True, default='', max_length=8, verbose_name='currency only'),
        ),
        migrations.AlterField(
            model_name='bulkretry',
            name='run_by',
            field=models.CharField(max_length=160, verbose_name='started or resumed by'),
        ),
        migrations.AlterField(
            model_name='bulkretry',
            name='state',
            field=models.CharField(choices=[('running', 'In progress'), ('stopped', 'Stopped'), ('finished', 'Finished')], default='running', max_length=16, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='bulkretryitem',
            name='outcome',
            field=models.CharField(blank=True, choices=[('retried', 'Sent again'), ('moved', 'No longer failed: changed by someone else meanwhile'), ('failed_in_us', 'Refused by our database')], default='', max_length=16),
        ),
        migrations.AlterField(
            model_name='payoutattempt',
            name='error_code',
            field=models.CharField(blank=True, default='', max_length=64, verbose_name="provider's error code"),
        ),
        migrations.AlterField(
            model_name='payoutattempt',
            name='outcome',
            field=models.CharField(max_length=16, verbose_name='result'),
        ),
        migrations.AlterField(
            model_name='payoutattempt',
            name='request_id',
            field=models.CharField(max_length=128, verbose_name='request ID'),
        ),
        migrations.AlterField(
            model_name='peercircuit',
            name='opened_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='unavailable since'),
        ),
        migrations.AlterField(
            model_name='peercircuit',
            name='openings',
            field=models.PositiveIntegerField(default=0, verbose_name='failed probes in a row'),
        ),
        migrations.AlterField(
            model_name='peercircuit',
            name='peer',
            field=models.CharField(max_length=16, primary_key=True, serialize=False, verbose_name='provider'),
        ),
        migrations.AlterField(
            model_name='peercircuit',
            name='state',
            field=models.CharField(choices=[('closed', 'Operational'), ('open', 'Unavailable')], default='closed', max_length=8, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='peerprobe',
            name='asked_at',
            field=models.DateTimeField(verbose_name='requested'),
        ),
        migrations.AlterField(
            model_name='peerprobe',
            name='asked_by',
            field=models.CharField(max_length=160, verbose_name='checked by'),
        ),
        migrations.AlterField(
            model_name='peerprobe',
            name='milliseconds',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='duration'),
        ),
        migrations.AlterField(
            model_name='peerprobe',
            name='outcome',
            field=models.CharField(blank=True, default='', max_length=16, verbose_name='result'),
        ),
        migrations.AlterField(
            model_name='peerprobe',
            name='peer',
            field=models.CharField(max_length=16, primary_key=True, serialize=False, verbose_name='provider'),
        ),
        migrations.AlterField(
            model_name='reconciliationfinding',
            name='external_id',
            field=models.CharField(max_length=200, verbose_name='ID at the provider'),
        ),
        migrations.AlterField(
            model_name='reconciliationfinding',
            name='kind',
            field=models.CharField(choices=[('missing', 'Paid by us, missing at the provider'), ('extra', 'Paid by the provider, unpaid in our records'), ('double', 'Credited twice by the provider'), ('different', 'Credited with other details'), ('stuck', 'Not progressing'), ('late_confirmation', 'Token task confirmed after failing')], max_length=32, verbose_name='type'),
        ),
        migrations.AlterField(
            model_name='reconciliationfinding',
            name='our_facts',
            field=models.JSONField(blank=True, null=True, verbose_name='our records'),
        ),
        migrations.AlterField(
            model_name='reconciliationfinding',
            name='peer',
            field=models.CharField(max_length=16, verbose_name='provider'),
        ),
        migrations.AlterField(
            model_name='reconciliationfinding',
            name='run',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='findings', to='rewards.reconciliationrun', verbose_name='last found by'),
        ),
        migrations.AlterField(
            model_name='reconciliationfinding',
            name='state',
            field=models.CharField(choices=[('open', 'Needs attention'), ('repaired', 'Repaired'), ('gone', 'No longer found'), ('closed', 'Closed by staff')], max_length=16, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='reconciliationfinding',
            name='their_facts',
            field=models.JSONField(blank=True, null=True, verbose_name="provider's records"),
        ),
        migrations.AlterField(
            model_name='reconciliationrun',
            name='bookings',
            field=models.PositiveIntegerField(default=0, verbose_name='ledger entries read'),
        ),
        migrations.AlterField(
            model_name='reconciliationrun',
            name='tasks',
            field=models.PositiveIntegerField(default=0, verbose_name='token tasks checked'),
        ),
        migrations.AlterField(
            model_name='referralreward',
            name='beneficiary_user_id',
            field=models.CharField(max_length=64, verbose_name='recipient'),
        ),
        migrations.AlterField(
            model_name='referralreward',
            name='failures',
            field=models.PositiveIntegerField(default=0, verbose_name='unanswered tries'),
        ),
        migrations.AlterField(
            model_name='referralreward',
            name='in_doubt',
            field=models.BooleanField(default=False, verbose_name='unconfirmed'),
        ),
        migrations.AlterField(
            model_name='referralreward',
            name='required_min_role',
            field=models.CharField(blank=True, max_length=8, null=True, verbose_name='required role'),
        ),
        migrations.AlterField(
            model_name='referralreward',
            name='status',
            field=models.CharField(choices=[('on_hold', 'On hold'), ('locked', 'Locked'), ('pending', 'Pending'), ('sent_to_points', 'Sent to Points Service'), ('sent_to_token', 'Sent to Token Gateway'), ('completed', 'Paid'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], max_length=16, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='referralstats',
            name='g2a_pending',
            field=models.DecimalField(decimal_places=9, default=0, max_digits=30, verbose_name='G2A pending'),
        ),
        migrations.AlterField(
            model_name='referralstats',
            name='points_pending',
            field=models.BigIntegerField(default=0, verbose_name='points pending'),
        ),
        migrations.AlterField(
            model_name='referralstats',
            name='total_referred_users',
            field=models.PositiveIntegerField(default=0, verbose_name='invited users'),
        ),
        migrations.AlterField(
            model_name='relationimport',
            name='done',
            field=models.PositiveIntegerField(default=0, verbose_name='lines processed'),
        ),
        migrations.AlterField(
            model_name='relationimport',
            name='made',
            field=models.PositiveIntegerField(default=0, verbose_name='referrals created'),
        ),
        migrations.AlterField(
            model_name='relationimportline',
            name='expected',
            field=models.CharField(choices=[('made', 'Referral created'), ('known', 'Already recorded, no change'), ('already_referred', 'The user has another referrer'), ('self_referral', 'Self-referral'), ('circular', 'Circular referral'), ('invalid', 'Invalid line')], max_length=16),
        ),
        migrations.AlterField(
            model_name='relationimportline',
            name='outcome',
            field=models.CharField(blank=True, choices=[('made', 'Referral created'), ('known', 'Already recorded, no change'), ('already_referred', 'The user has another referrer'), ('self_referral', 'Self-referral'), ('circular', 'Circular referral'), ('invalid', 'Invalid line')], default='', max_length=16),
        ),
        migrations.AlterField(
            model_name='rewardtransition',
            name='from_status',
            field=models.CharField(choices=[('on_hold', 'On hold'), ('locked', 'Locked'), ('pending', 'Pending'), ('sent_to_points', 'Sent to Points Service'), ('sent_to_token', 'Sent to Token Gateway'), ('completed', 'Paid'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], max_length=16, verbose_name='from'),
        ),
        migrations.AlterField(
            model_name='rewardtransition',
            name='reason',
            field=models.CharField(blank=True, default='', max_length=500, verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='rewardtransition',
            name='to_status',
            field=models.CharField(choices=[('on_hold', 'On hold'), ('locked', 'Locked'), ('pending', 'Pending'), ('sent_to_points', 'Sent to Points Service'), ('sent_to_token', 'Sent to Token Gateway'), ('completed', 'Paid'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], max_length=16, verbose_name='to'),
        ),
    ]
