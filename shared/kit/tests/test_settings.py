"""Settings that every service has."""

from typing import ClassVar

import pytest
from hearback_kit.settings import SECRET_LENGTH_MIN, InvalidSettings, Sender, ServiceSettings, read_settings
from pydantic import TypeAdapter, ValidationError
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    service: ClassVar[str] = "sample"


class Prefixed(Settings):
    model_config = SettingsConfigDict(env_prefix="SAMPLE_")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ("a",)),
        ("a, b ,", ("a", "b")),
        ('["a", "b"]', ("a", "b")),
        (' [ "a,b" ]', ("a,b",)),
        ("[]", ()),
        ("", ()),
    ],
)
def test_denied_organizations_are_a_list_in_either_form(monkeypatch, text, expected):
    monkeypatch.setenv("HEARBACK_ORGANIZATIONS_DENIED", text)
    assert Settings().organizations_denied == expected


def test_a_former_name_is_read_where_the_present_one_is_not_set(monkeypatch):
    monkeypatch.setenv("HEARBACK_ORGANIZATION_DENYLIST", "a")
    assert Settings().organizations_denied == ("a",)
    monkeypatch.setenv("HEARBACK_ORGANIZATIONS_DENIED", "b")
    assert Settings().organizations_denied == ("b",)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HEARBACK_SECRET_KEY", ""),
        ("HEARBACK_REDIS_URL", "http://hunter2"),
        ("HEARBACK_TRUSTED_PROXIES", "hunter2"),
        ("SAMPLE_BLOB_URL", "hunter2"),
        ("SAMPLE_PORT", "hunter2"),
    ],
)
def test_what_is_wrong_is_named_by_its_variable_without_its_value(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings) as refused:
        read_settings(Prefixed)
    assert str(refused.value).splitlines()[1].startswith(f"  {variable}: ")
    assert "hunter2" not in str(refused.value)


def test_a_name_without_a_prefix_is_another_programs(monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "http://of.another.program")
    assert Prefixed().public_url == "http://localhost:8000"


def test_a_list_that_is_none_is_refused():
    with pytest.raises(ValidationError):
        Settings(organizations_denied='["a"')


@pytest.mark.parametrize("secret", [None, "", "development-only"])
def test_a_secret_that_everybody_can_read_is_refused(monkeypatch, secret):
    monkeypatch.delenv("HEARBACK_SECRET_KEY")
    if secret is not None:
        monkeypatch.setenv("HEARBACK_SECRET_KEY", secret)
    with pytest.raises(ValidationError, match="set a secret of your own"):
        Settings()


def test_a_secret_that_is_easily_guessed_is_refused():
    with pytest.raises(ValidationError, match=f"at least {SECRET_LENGTH_MIN} characters"):
        Settings(secret_key="x" * (SECRET_LENGTH_MIN - 1))
    long_enough = "x" * SECRET_LENGTH_MIN
    assert Settings(secret_key=long_enough).secret_key.get_secret_value() == long_enough


def test_trusted_proxies_are_networks():
    assert Settings(trusted_proxies="10.0.0.0/8").address_reader().trusts("10.1.2.3")
    assert not Settings(trusted_proxies="").address_reader().trusts("127.0.0.1")
    with pytest.raises(ValidationError):
        Settings(trusted_proxies="nonsense")


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("public_url", "feedback.example.com", "https://feedback.example.com/hearback"),
        ("public_url", "https://feedback.example.com/?a", "http://localhost:8000"),
        ("registry_url", "registry", "http://registry:8080"),
        ("blob_url", "/var/blobs", "file:///var/blobs"),
        ("log_level", "verbose", "WARNING"),
        ("log_format", "xml", "console"),
        ("redis_url", "localhost:6379", "rediss+sentinel://h:26379,i:26379/name"),
        ("server_database_url", "localhost", "postgresql://u:p@localhost:5432/"),
        ("smtp_url", "mail.example.com:25", "smtp+starttls://u:p@mail.example.com"),
    ],
)
def test_an_address_or_a_choice_that_is_none_is_refused_at_the_start(name, wrong, right):
    assert getattr(Settings(**{name: right}), name)
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: wrong})


@pytest.mark.parametrize("wrong", ["", "example.com", "a@b@c", "Hearback <>", "a b@example.com"])
def test_a_sender_is_an_address(wrong):
    assert TypeAdapter(Sender).validate_python("Hearback <noreply@localhost>")
    with pytest.raises(ValidationError):
        TypeAdapter(Sender).validate_python(wrong)
