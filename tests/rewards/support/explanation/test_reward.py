"""Why a reward is where it is, for every situation, in both languages."""

import re

import pytest
from django.utils import translation

from rewards.models import RewardStatus
from rewards.support.explanation.reward import STORIES, story
from rewards.support.explanation.shape import Story
from tests.rewards.support.explanation.situations import CASES, Case

# What stays as it is in every language: names, ids, units, and what somebody else has said.
LATIN = (
    r"«[^»]*»",
    r"Points Service|Token Gateway|User Service|POINTS_SERVICE_URL|TOKEN_GATEWAY_URL",
    r"VIP|PRO|UTC|HTTP|G2A|DNS|\bID\b",
    r"task-7|tx-1|0xabc|token_gateway|user_service|root-1|olga",
    r"[0-9a-f]{8}-[0-9a-f-]{27}",
)


def texts(tale: Story) -> list[str]:
    return [tale.headline, *tale.sentences, tale.next_step]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_situation_is_told_as_it_is(case: Case) -> None:
    tale = story(case.now_is)

    text = " ".join(texts(tale))
    assert (tale.headline, tale.severity) == (case.headline, case.severity)
    assert [words for words in case.says if words not in text] == []
    assert [words for words in case.hides if words in text] == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_told_in_russian_without_a_word_of_english(case: Case) -> None:
    english = texts(story(case.now_is))
    with translation.override("ru"):
        russian = texts(story(case.now_is))

    assert len(russian) == len(english)
    assert [text for text in russian if text in english] == []
    assert [text for text in russian if re.search("[A-Za-z]", re.sub("|".join(LATIN), "", text))] == []


def test_every_status_has_its_story_and_its_cases() -> None:
    assert set(STORIES) == set(RewardStatus.values)
    assert {case.now_is.reward.status for case in CASES.values()} == set(RewardStatus.values)


def test_nothing_is_said_of_what_comes_next_without_saying_it() -> None:
    assert [name for name, case in CASES.items() if not story(case.now_is).next_step] == []
