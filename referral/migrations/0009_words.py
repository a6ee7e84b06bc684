"""The words of the glossary in names and labels; no SQL."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('referral', '0008_filters'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='eventreplay',
            options={'verbose_name': 'past event rewarded later', 'verbose_name_plural': 'past events rewarded later'},
        ),
        migrations.AlterModelOptions(
            name='linkclicks',
            options={'ordering': ('-day',), 'verbose_name': 'daily clicks', 'verbose_name_plural': 'daily clicks'},
        ),
        migrations.AlterModelOptions(
            name='partnerreferralrelation',
            options={'ordering': ('-id',), 'verbose_name': 'partner referral', 'verbose_name_plural': 'partner referrals'},
        ),
        migrations.AlterModelOptions(
            name='referralrelation',
            options={'ordering': ('-id',), 'verbose_name': 'referral', 'verbose_name_plural': 'referrals'},
        ),
        migrations.AlterField(
            model_name='eventreplay',
            name='replay',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='replays', to='referral.referralevent', verbose_name='rewarded by'),
        ),
        migrations.AlterField(
            model_name='partnerreferralrelation',
            name='status',
            field=models.CharField(choices=[('pending_onboarding', 'Onboarding'), ('onboarded', 'Onboarded'), ('rejected', 'Rejected')], default='onboarded', max_length=24, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='referralevent',
            name='external_event_id',
            field=models.CharField(blank=True, max_length=128, null=True, verbose_name='external event ID'),
        ),
        migrations.AlterField(
            model_name='referralevent',
            name='occurred_at',
            field=models.DateTimeField(verbose_name='occurred'),
        ),
        migrations.AlterField(
            model_name='referralevent',
            name='reason',
            field=models.CharField(blank=True, max_length=32, null=True, verbose_name='why no reward'),
        ),
        migrations.AlterField(
            model_name='referralevent',
            name='reason_detail',
            field=models.CharField(blank=True, max_length=128, null=True, verbose_name='details'),
        ),
        migrations.AlterField(
            model_name='referralevent',
            name='referred_user_id',
            field=models.CharField(blank=True, max_length=64, null=True, verbose_name='invited user'),
        ),
        migrations.AlterField(
            model_name='referralevent',
            name='source_service',
            field=models.CharField(max_length=64, verbose_name='source service'),
        ),
        migrations.AlterField(
            model_name='referralrelation',
            name='referred_user_id',
            field=models.CharField(max_length=64, verbose_name='invited user'),
        ),
        migrations.AlterField(
            model_name='referralrelation',
            name='source',
            field=models.CharField(choices=[('link', 'Link'), ('code', 'Code'), ('manual', 'Manual'), ('import', 'Import')], max_length=16, verbose_name='source'),
        ),
        migrations.AlterField(
            model_name='userrole',
            name='first_heard_at',
            field=models.DateTimeField(verbose_name='first seen'),
        ),
    ]
