"""The words of the glossary in names and labels; no SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='campaignspend',
            options={'verbose_name': 'campaign spending', 'verbose_name_plural': 'campaign spending'},
        ),
        migrations.AlterField(
            model_name='referralcampaign',
            name='campaign_type',
            field=models.CharField(choices=[('user_invite', 'User invitation'), ('partner_onboarding', 'Partner onboarding'), ('purchase', 'Purchases'), ('custom', 'Custom events')], max_length=32, verbose_name='type'),
        ),
        migrations.AlterField(
            model_name='referralcampaign',
            name='is_default',
            field=models.BooleanField(default=False, verbose_name='create links automatically'),
        ),
    ]
