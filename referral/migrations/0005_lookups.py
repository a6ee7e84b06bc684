"""Indexes for what people look for among millions of rows."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('referral', '0004_daily_figures'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='partnerreferralrelation',
            options={'ordering': ('-id',), 'verbose_name': 'partner relation', 'verbose_name_plural': 'partner relations'},
        ),
        migrations.AlterModelOptions(
            name='referrallink',
            options={'ordering': ('-id',), 'verbose_name': 'link', 'verbose_name_plural': 'links'},
        ),
        migrations.AlterModelOptions(
            name='referralrelation',
            options={'ordering': ('-id',), 'verbose_name': 'relation', 'verbose_name_plural': 'relations'},
        ),
        migrations.RemoveConstraint(
            model_name='referralevent',
            name='event_once_per_key',
        ),
        migrations.RemoveIndex(
            model_name='referralevent',
            name='event_by_campaign_and_time',
        ),
        migrations.AddIndex(
            model_name='referralevent',
            index=models.Index(fields=['occurred_at'], include=('campaign', 'referrer_user_id', 'id'), name='event_by_time'),
        ),
        migrations.AddIndex(
            model_name='referralevent',
            index=models.Index(condition=models.Q(('business_partner_id__isnull', False)), fields=['business_partner_id', 'id'], name='event_by_partner'),
        ),
        migrations.AddIndex(
            model_name='referralevent',
            index=models.Index(condition=models.Q(('reason__isnull', False)), fields=['reason', 'id'], name='event_without_reward'),
        ),
        migrations.AddConstraint(
            model_name='referralevent',
            constraint=models.UniqueConstraint(fields=('idempotency_key', 'source_service'), name='event_once_per_key'),
        ),
    ]
