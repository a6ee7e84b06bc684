"""Indexes for what lists are filtered by."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('referral', '0007_timeline'),
    ]

    operations = [
        migrations.AlterField(
            model_name='referrallink',
            name='campaign',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='links', to='campaigns.referralcampaign', verbose_name='campaign'),
        ),
        migrations.AddIndex(
            model_name='partnerreferralrelation',
            index=models.Index(fields=['campaign', 'id'], name='partner_relation_by_campaign'),
        ),
        migrations.AddIndex(
            model_name='partnerreferralrelation',
            index=models.Index(condition=models.Q(('status', 'onboarded'), _negated=True), fields=['status', 'id'], name='partner_relation_not_onboarded'),
        ),
        migrations.AddIndex(
            model_name='referralevent',
            index=models.Index(fields=['campaign', 'id'], name='event_by_campaign'),
        ),
        migrations.AddIndex(
            model_name='referrallink',
            index=models.Index(fields=['campaign', 'id'], name='link_by_campaign'),
        ),
        migrations.AddIndex(
            model_name='referrallink',
            index=models.Index(condition=models.Q(('is_active', False)), fields=['id'], name='link_switched_off'),
        ),
        migrations.AddIndex(
            model_name='referralrelation',
            index=models.Index(fields=['campaign', 'id'], name='relation_by_campaign'),
        ),
        migrations.AddIndex(
            model_name='referralrelation',
            index=models.Index(fields=['source', 'id'], name='relation_by_source'),
        ),
        migrations.AddIndex(
            model_name='userrole',
            index=models.Index(condition=models.Q(('role__in', ['vip', 'pro'])), fields=['role', 'user_id'], name='user_by_high_role'),
        ),
    ]
