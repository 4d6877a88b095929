"""The variants of a test: the assumptions that vary, and the order of the values."""

import pytest

from mock_heidi.base.assumptions import assumptions
from mock_heidi.base.settings import ConfigError
from mock_heidi.variants.choice import Variant, parse_choice, variants_of


def test_met_leaves_the_choice_to_the_requests() -> None:
    assert parse_choice("met") is None


def test_all_has_every_assumption_with_alternatives() -> None:
    assert parse_choice("all") == tuple(one.name for one in assumptions().values() if one.alternatives)


def test_names_are_separated_by_commas_and_each_counts_once() -> None:
    assert parse_choice("gender_case, creation_status,gender_case") == ("gender_case", "creation_status")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gender_cas", "unknown assumption 'gender_cas'; did you mean gender_case?"),
        ("gender_case,", "unknown assumption ''; known names are all, already_linked, "),
        ("al", "unknown assumption 'al'; did you mean all?"),
        ("gender_case,met", "met stands alone; write met, or only names"),
        ("all,gender_case", "all stands alone; write all, or only names"),
        ("token_lifetime", "token_lifetime has no alternatives; leave it out"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_choice(text)

    assert str(error.value).startswith(words)


def test_the_first_alternative_of_each_comes_before_the_second_ones() -> None:
    assert variants_of({"gender_case", "creation_status"}) == [
        Variant("creation_status", 201),
        Variant("gender_case", "exact"),
        Variant("gender_case", "any_text"),
    ]


def test_the_default_is_not_a_variant() -> None:
    made = variants_of(assumptions())

    assert [one for one in made if one.value == assumptions()[one.name].default] == []
    assert len(made) == sum(len(one.alternatives) for one in assumptions().values())


def test_a_variant_is_written_as_users_choose_it() -> None:
    assert str(Variant("linked_account_required", True)) == "linked_account_required=true"
