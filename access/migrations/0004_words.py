"""The words of the glossary in names and labels; no SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0003_audit'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditentry',
            name='object_id',
            field=models.CharField(max_length=64, verbose_name='object ID'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='object_type',
            field=models.CharField(max_length=64, verbose_name='object type'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='reason',
            field=models.CharField(blank=True, default='', max_length=500, verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='request_id',
            field=models.CharField(blank=True, default='', max_length=128, verbose_name='request ID'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='verb',
            field=models.CharField(choices=[('created', 'created'), ('changed', 'changed'), ('deleted', 'deleted'), ('imported', 'imported'), ('signed_in', 'signed in')], max_length=16, verbose_name='action'),
        ),
        migrations.AlterField(
            model_name='serviceoperation',
            name='event_type',
            field=models.CharField(blank=True, default='', help_text='Only for event operations.', max_length=64, verbose_name='event type'),
        ),
        migrations.AlterField(
            model_name='serviceoperation',
            name='operation',
            field=models.CharField(choices=[('user-registered', 'report registrations'), ('user-role-upgraded', 'report roles'), ('user-erased', 'erase user data'), ('partner-onboarded', 'report partners'), ('upline', 'look up who invited a user'), ('event', 'report events'), ('events/bulk', 'report events in bulk'), ('event-reversed', 'reverse events'), ('g2a-callback', 'confirm token tasks')], max_length=32, verbose_name='operation'),
        ),
    ]
