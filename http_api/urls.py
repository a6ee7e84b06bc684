"""The whole HTTP surface of the API on one page; see docs/http-api.md for who may call what."""

from django.urls import path

from http_api.admin.campaigns import AdminCampaignsViewSet
from http_api.admin.reports import AdminReportsViewSet
from http_api.admin.rewards import AdminRewardsViewSet
from http_api.admin.simulation import AdminSimulationViewSet
from http_api.internal.upline import UplineViewSet
from http_api.internal.views import InternalViewSet
from http_api.public.views import PublicViewSet
from http_api.user.links import MyLinksViewSet
from http_api.user.rewards import MyRewardsViewSet

urlpatterns = [
    # known services, first because their calls come most often
    path("internal/user-registered", InternalViewSet.as_view({"post": "user_registered"})),
    path("internal/partner-onboarded", InternalViewSet.as_view({"post": "partner_onboarded"})),
    path("internal/event", InternalViewSet.as_view({"post": "event"})),
    path("internal/events/bulk", InternalViewSet.as_view({"post": "events_bulk"})),
    path("internal/user-role-upgraded", InternalViewSet.as_view({"post": "user_role_upgraded"})),
    path("internal/g2a-callback", InternalViewSet.as_view({"post": "g2a_callback"})),
    path("internal/users/<str:user_id>/upline", UplineViewSet.as_view({"get": "retrieve"})),
    # a signed-in user
    path("my/links", MyLinksViewSet.as_view({"get": "list", "post": "create"})),
    path("my/links/<uuid:link_id>", MyLinksViewSet.as_view({"patch": "partial_update"})),
    path("my/links/<uuid:link_id>/qr.svg", MyLinksViewSet.as_view({"get": "qr_svg"})),
    path("my/links/<uuid:link_id>/qr.png", MyLinksViewSet.as_view({"get": "qr_png"})),
    path("my/stats", MyRewardsViewSet.as_view({"get": "stats"})),
    path("my/referrals", MyRewardsViewSet.as_view({"get": "referrals"})),
    path("my/rewards", MyRewardsViewSet.as_view({"get": "rewards"})),
    path("my/claim", MyRewardsViewSet.as_view({"post": "claim"})),
    # anybody
    path("public/track-click/<str:code>", PublicViewSet.as_view({"post": "track_click"})),
    # administrators
    path("admin/campaigns", AdminCampaignsViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "admin/campaigns/<uuid:campaign_id>",
        AdminCampaignsViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path(
        "admin/campaigns/<uuid:campaign_id>/simulate",
        AdminSimulationViewSet.as_view({"post": "simulate"}),
    ),
    path("admin/rewards", AdminRewardsViewSet.as_view({"get": "list"})),
    path("admin/rewards/<uuid:reward_id>/unlock", AdminRewardsViewSet.as_view({"post": "unlock"})),
    path("admin/rewards/<uuid:reward_id>/retry", AdminRewardsViewSet.as_view({"post": "retry"})),
    path("admin/rewards/<uuid:reward_id>/cancel", AdminRewardsViewSet.as_view({"post": "cancel"})),
    path("admin/reports/users", AdminReportsViewSet.as_view({"get": "users"})),
    path("admin/reports/campaigns", AdminReportsViewSet.as_view({"get": "campaigns"})),
]
