"""Who looks after rewards sees the bulk retries; support asks the peers whether they answer."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations


def give(apps, schema_editor):
    create_permissions(
        installed.get_app_config("rewards"), verbosity=0, apps=apps, using=schema_editor.connection.alias
    )
    groups, permissions = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    look = permissions.objects.get(content_type__app_label="rewards", codename="view_bulkretry")
    ask = permissions.objects.get(content_type__app_label="rewards", codename="add_peerprobe")
    for group in groups.objects.filter(name__in=("Support", "Analyst", "Auditor")):
        group.permissions.add(look)
    for group in groups.objects.filter(name="Support"):
        group.permissions.add(ask)


class Migration(migrations.Migration):
    dependencies = [("referral_project", "0003_attaching"), ("rewards", "0013_review")]

    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
