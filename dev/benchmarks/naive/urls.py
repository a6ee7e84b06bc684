"""One address besides those of the service, so that it says whether it is ready as well."""

from django.urls import path

from dev.benchmarks.naive.views import NaiveEventView
from referral_project.urls import urlpatterns as service_urls

urlpatterns = [path("naive/event", NaiveEventView.as_view()), *service_urls]
