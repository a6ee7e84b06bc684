"""Figures of days for the dashboard, and the indexes of what it reads besides."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('referral', '0004_daily_figures'),
        ('rewards', '0007_payouts'),
    ]

    operations = [
        migrations.CreateModel(
            name='DailyFigures',
            fields=[
                ('pk', models.CompositePrimaryKey('day', 'campaign_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('campaign', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.referralcampaign')),
                ('events', models.PositiveIntegerField(default=0)),
                ('points_paid', models.BigIntegerField(default=0)),
                ('points_waiting', models.BigIntegerField(default=0)),
                ('points_locked', models.BigIntegerField(default=0)),
                ('points_failed', models.BigIntegerField(default=0)),
                ('g2a_paid', models.DecimalField(decimal_places=9, default=0, max_digits=30)),
                ('g2a_waiting', models.DecimalField(decimal_places=9, default=0, max_digits=30)),
                ('g2a_locked', models.DecimalField(decimal_places=9, default=0, max_digits=30)),
                ('g2a_failed', models.DecimalField(decimal_places=9, default=0, max_digits=30)),
            ],
        ),
        migrations.CreateModel(
            name='DailyFiguresCursor',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('seen_below', models.BigIntegerField(default=0)),
                ('marks', models.JSONField(default=list)),
                ('refreshed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddIndex(
            model_name='referralreward',
            index=models.Index(condition=models.Q(('first_failed_at__isnull', False), ('next_attempt_at__isnull', False)), fields=['first_failed_at'], name='reward_failing'),
        ),
    ]
