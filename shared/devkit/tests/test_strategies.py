"""The strategies give every message of the contract, within its types."""

import pytest
from hearback_contracts.catalog import MESSAGES
from hearback_contracts.events import Message
from hearback_devkit.strategies import entries
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("model", MESSAGES, ids=lambda model: model.__name__)
@settings(max_examples=10)
@given(data=st.data())
def test_every_message_is_within_its_contract(model: type[Message], data: st.DataObject) -> None:
    entry = data.draw(entries(model))
    message = model.model_validate_json(entry.data)
    assert (message.TYPE, entry.type) == (model.TYPE, model.TYPE)
