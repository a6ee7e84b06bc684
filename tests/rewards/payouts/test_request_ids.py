"""Each call to a peer has an id that stands on both sides."""

import pytest

from rewards.models import PayoutAttempt
from rewards.payouts.drain import pay_due_now
from tests.helpers.receiver import Receiver
from tests.helpers.rewards import campaign_of, earn


@pytest.mark.usefixtures("committed_db")
def test_a_call_to_a_peer_carries_the_id_that_its_attempt_keeps(settings):
    # given a peer that writes down the headers of its calls
    campaign_of("ids", {"level1": {"points_per_event": 5}})
    with Receiver() as peer:
        settings.POINTS_SERVICE_URL = f"http://{peer.address}"

        # when two rewards are paid
        for number in range(2):
            earn("ids", f"payee-{number}")
        pay_due_now("points")

    # then the attempts hold the ids that were sent, a new one for each call
    sent = [headers["X-Request-Id"] for headers in peer.headers]
    assert len(set(sent)) == 2
    assert sorted(sent) == sorted(PayoutAttempt.objects.values_list("request_id", flat=True))
