"""Figures of days for the dashboard, and the indexes of what it reads besides."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('referral', '0003_visitor_keys'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='linkclicks',
            index=models.Index(fields=['day', 'link'], name='clicks_by_day'),
        ),
        migrations.AddIndex(
            model_name='referralrelation',
            index=models.Index(fields=['registered_at'], include=('campaign', 'referrer_user_id'), name='relation_by_time'),
        ),
    ]
