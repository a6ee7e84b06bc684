"""Marketing imports relations; the other groups look at imports."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations


def give(apps, schema_editor):
    create_permissions(
        installed.get_app_config("rewards"), verbosity=0, apps=apps, using=schema_editor.connection.alias
    )
    groups, permissions = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    look = permissions.objects.get(content_type__app_label="rewards", codename="view_relationimport")
    bring = permissions.objects.get(content_type__app_label="rewards", codename="add_relationimport")
    # Relations are not added one by one.
    unused = permissions.objects.get(content_type__app_label="referral", codename="add_referralrelation")
    for group in groups.objects.filter(name__in=("Marketing", "Support", "Analyst", "Auditor")):
        group.permissions.add(look)
    for group in groups.objects.filter(name="Marketing"):
        group.permissions.add(bring)
        group.permissions.remove(unused)


class Migration(migrations.Migration):
    dependencies = [("referral_project", "0001_groups"), ("rewards", "0010_relation_import")]

    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
