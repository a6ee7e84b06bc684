"""`/admin/reports`: reports for marketing, by pages as JSON or whole as CSV."""

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from http_api.kit.authentication import AdminAuthentication, IsAdmin
from http_api.kit.csv_files import report_csv, wants_csv
from rewards.reporting.campaigns import campaigns_report
from rewards.reporting.reports import Report, report_page
from rewards.reporting.users import users_report


class AdminReportsViewSet(ViewSet):
    """Reports for marketing."""

    authentication_classes = (AdminAuthentication,)
    permission_classes = (IsAdmin,)
    staff_permissions = {
        "users": "rewards.view_referralstats",
        "campaigns": "rewards.view_referralstats",
    }

    def users(self, request: Request) -> HttpResponseBase:
        """Who has brought how much in a period; as CSV for `Accept: text/csv`."""
        return report_answer(users_report, request)

    def campaigns(self, request: Request) -> HttpResponseBase:
        """Clicks, registrations, buyers, rewards and cost by campaign and day; CSV for `Accept: text/csv`."""
        return report_answer(campaigns_report, request)


def report_answer(report: Report, request: Request) -> HttpResponseBase:
    """A page as JSON, or all rows as CSV for who asks for `text/csv`. Raises ValidationFailed."""
    query = request.query_params
    answer = report_csv(report, query) if wants_csv(request) else Response(report_page(report, query))
    answer["Vary"] = "Accept"
    return answer
