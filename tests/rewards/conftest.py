"""What the tests of rewards and payouts start from."""

import pytest

from tests.helpers.rewards import campaign_of


@pytest.fixture
def campaigns(db: None) -> None:
    """One campaign that pays 10 points and one that pays 1.5 G2A to the referrer, for every event."""
    campaign_of("points", {"level1": {"points_per_event": 10}})
    campaign_of("tokens", {"level1": {"g2a_per_event": "1.5"}})


@pytest.fixture
def patient(sandbox: object, settings: pytest.FixtureDef) -> None:
    """Waits so long that a test decides when they are over (see `time_passes`), and calls so short."""
    settings.PAYOUT_RETRY_BASE_SECONDS = 30
    settings.PAYOUT_RETRY_MAX_SECONDS = 900
    settings.PAYOUT_TIMEOUT_SECONDS = 0.4
