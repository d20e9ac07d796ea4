"""The script as text: small, and nothing in it that a page or query supplied can do anything."""

import gzip
import re
from typing import Any

import orjson
import pytest
from crash_embed.domain.appearance import Appearance, Requirement
from crash_embed.domain.parameters import TEXT_PARAMETERS
from crash_embed.domain.texts import LANGUAGES
from crash_embed.service.render_dialog import DialogCall, DialogScript, script_json

LOOK = Appearance(Requirement.REQUIRED, Requirement.OPTIONAL, True, "#3f37c9", "dark")
GZIP_BYTES_MAX = 12 * 1024
HOSTILE = [
    "</script><script>alert(1)</script>", "<!--<script>", "';alert(1);//", '";alert(1);//', "*/alert(1)/*",
    "\u2028alert(1)\u2029", "`${alert(1)}`", "\\", "\\u003cscript\\u003e", "{{ 7 * 7 }}", "{% raw %}",
    "\x00\x01\x1b\x7f\ufeff", "&lt;script&gt;&#39;", "]]>", "\u202e\u0000😀",
]  # fmt: skip


@pytest.fixture(scope="module")
def script() -> DialogScript:
    return DialogScript()


def call(language: str = "en", endpoint: str = "https://x.example/?a", **parameters: str) -> DialogCall:
    return DialogCall(endpoint, language, LOOK, tuple(parameters.items()))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_script_is_small_in_every_language(script: DialogScript, language: str) -> None:
    own = {name: f"A text of the page for {name} of usual length" for name in TEXT_PARAMETERS}
    answer = script.render_gzip(call(language, **own))
    assert len(answer) <= GZIP_BYTES_MAX
    assert len(answer) <= len(gzip.compress(script.render(call(language, **own)), 9)) * 1.1


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_hostile_texts_are_data_in_every_parameter_and_language(script: DialogScript, language: str) -> None:
    for text in HOSTILE:
        parameters = dict.fromkeys((*TEXT_PARAMETERS, "name", "email", "nonce"), text)
        source = script.render(call(language, f"https://x.example/?{text}", **parameters)).decode()
        values = source[source.index("\nvar strings = ") :]
        for character in "<>&'\u2028\u2029\x00":
            assert character not in values
        assert value_of(source, "endpoint") == f"https://x.example/?{text}"
        assert value_of(source, "given") == {
            "strings": dict.fromkeys(TEXT_PARAMETERS, text),
            "options": dict.fromkeys(("name", "email", "nonce"), text),
        }


def value_of(source: str, name: str) -> Any:
    (found,) = re.findall(rf"^var {name} = /\*\*/(.*);/\*\*/$", source, re.MULTILINE)
    return orjson.loads(found)


def test_script_json_is_json() -> None:
    value = {"a": ["<>&'\u2028\u2029", None, 1.5, True]}
    assert orjson.loads(script_json(value)) == value


def test_etag_tells_calls_apart(script: DialogScript) -> None:
    calls = [call(), call("de"), call(endpoint="https://y.example/"), call(title="x"), call(subtitle="x")]
    assert len({script.etag(one) for one in calls}) == len(calls)
    assert DialogScript().etag(call()) == script.etag(call())
    assert script.etag(call()).startswith('W/"')


def test_gzip_module_reads_the_script(script: DialogScript) -> None:
    for number in range(3):
        one = call("ja", f"http://x/?{number}", title="<t>" * number)
        assert gzip.decompress(script.render_gzip(one)) == script.render(one)
