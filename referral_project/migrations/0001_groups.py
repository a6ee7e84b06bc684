"""Groups of staff: who may look at what, and who may change it. Staff may change them afterwards."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

CAMPAIGNS = ["campaigns.referralcampaign", "campaigns.ruleversion"]
PEOPLE = [
    "referral.userrole",
    "referral.referrallink",
    "referral.linkclicks",
    "referral.referralrelation",
    "referral.partnerreferralrelation",
    "referral.referralevent",
    "rewards.referralstats",
]
REWARDS = [
    "rewards.referralreward",
    "rewards.payoutattempt",
    "rewards.rewardtransition",
    "rewards.peercircuit",
    "rewards.reconciliationfinding",
    "rewards.reconciliationrun",
    "rewards.analyticsrefusal",
]
STAFF = ["access.serviceoperation", "access.auditentry", "auth.user", "auth.group"]


def may(right, models):
    return [(label.split(".")[0], f"{right}_{label.split('.')[1]}") for label in models]


GROUPS = {
    # Runs campaigns, brings relations in, switches links.
    "Marketing": [
        *may("view", CAMPAIGNS + PEOPLE + ["rewards.referralreward"]),
        *may("add", ["campaigns.referralcampaign", "referral.referralrelation"]),
        *may("change", ["campaigns.referralcampaign", "referral.referrallink"]),
    ],
    # Moves rewards, closes findings, switches links.
    "Support": [
        *may("view", CAMPAIGNS + PEOPLE + REWARDS),
        *may("change", ["rewards.referralreward", "rewards.reconciliationfinding", "referral.referrallink"]),
    ],
    "Analyst": may("view", CAMPAIGNS + PEOPLE + REWARDS),
    "Auditor": may("view", CAMPAIGNS + PEOPLE + REWARDS + STAFF),
}


def make(apps, schema_editor):
    # Rights are made when all migrations are over, but these groups need them now.
    for label in ("access", "auth", "campaigns", "referral", "rewards"):
        create_permissions(installed.get_app_config(label), verbosity=0, apps=apps, using=schema_editor.connection.alias)
    permissions = apps.get_model("auth", "Permission")
    for name, rights in GROUPS.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.add(
            *(
                permissions.objects.get(content_type__app_label=app, codename=codename)
                for app, codename in rights
            )
        )


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_audit"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("campaigns", "0002_append_only"),
        ("referral", "0002_relations"),
        ("rewards", "0005_analytics"),
    ]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
