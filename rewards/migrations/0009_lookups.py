"""Indexes for what people look for among millions of rows."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('referral', '0005_lookups'),
        ('rewards', '0008_daily_figures'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='referralreward',
            name='reward_failed',
        ),
        migrations.AddIndex(
            model_name='payoutattempt',
            index=models.Index(condition=models.Q(('outcome__in', ['booked', 'accepted']), _negated=True), fields=['outcome', 'id'], name='attempt_gone_wrong'),
        ),
        migrations.AddIndex(
            model_name='referralreward',
            index=models.Index(condition=models.Q(('status__in', ['failed', 'on_hold', 'cancelled'])), fields=['status', 'id'], name='reward_set_aside'),
        ),
        migrations.AddIndex(
            model_name='referralreward',
            index=models.Index(condition=models.Q(('in_doubt', True)), fields=['id'], name='reward_in_doubt'),
        ),
        migrations.AddIndex(
            model_name='referralreward',
            index=models.Index(condition=models.Q(('external_tx_id__isnull', False)), fields=['external_tx_id'], name='reward_by_transaction'),
        ),
        migrations.AddIndex(
            model_name='rewardtransition',
            index=models.Index(condition=models.Q(('to_status__in', ['pending', 'failed', 'cancelled'])), fields=['to_status', 'id'], name='transition_aside'),
        ),
    ]
