"""The service's settings with the naive endpoint in place of its addresses."""

from referral_project.settings import *  # noqa: F403 - an overlay

ROOT_URLCONF = "dev.benchmarks.naive.urls"
