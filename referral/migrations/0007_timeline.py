"""Indexes for what happened to a user, newest first."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('referral', '0006_event_replay'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='partnerreferralrelation',
            name='partner_relation_by_referrer',
        ),
        migrations.AddIndex(
            model_name='partnerreferralrelation',
            index=models.Index(fields=['referrer_user_id', 'id'], name='partner_relation_by_referrer'),
        ),
        migrations.AddIndex(
            model_name='referralrelation',
            index=models.Index(fields=['referrer_user_id', 'id'], name='relation_heard_by_referrer'),
        ),
    ]
