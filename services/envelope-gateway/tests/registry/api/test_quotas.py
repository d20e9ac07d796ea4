import pytest
from registry.domain.quotas import LIMIT_MAX, WINDOW_SECONDS_MAX, parse_quotas
from registry.domain.refused_values import RefusedValue

QUOTAS = "/projects/demo/web/quotas/"


def quota(**fields):
    base = {
        "id": "q",
        "categories": ["feedback"],
        "scope": "project",
        "limit": 5,
        "window": 60,
        "reasonCode": "why",
    }
    return base | fields


async def test_quotas_are_kept_as_they_were_put_until_all_are_removed(registry):
    assert await registry.get(QUOTAS) == []
    wanted = [
        quota(),
        quota(id="all", categories=[], scope="organization", limit=LIMIT_MAX),
        quota(id="none", categories=["error", "transaction"], scope="key", limit=0, window=None, reasonCode=None),
        quota(id="bytes", categories=["attachment"], limit=None, window=None),
        quota(id="source", sources=["new_feedback_envelope"]),
    ]
    assert await registry.put(QUOTAS, wanted) == wanted
    assert await registry.get(QUOTAS) == wanted
    assert await registry.put(QUOTAS, []) == []
    assert await registry.get(QUOTAS) == []


async def test_quotas_belong_to_one_project(registry):
    await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
    await registry.put(QUOTAS, [quota()])
    assert await registry.get("/projects/demo/second/quotas/") == []


MALFORMED_LISTS = [
    None, {}, {"quotas": []}, "[]", 5, [5], [None], ["q"], [[]], [{}], [quota(), quota()],
    [quota(), quota(id="second", limit=-1)], [quota(id="x\x00")],
]  # fmt: skip


async def test_a_malformed_list_is_400_and_changes_nothing(registry):
    before = await registry.put(QUOTAS, [quota()])
    for body in MALFORMED_LISTS:
        answer = await registry.http.put(f"/api/0{QUOTAS}", json=body, headers=registry.headers())
        assert answer.status_code == 400, body
        assert set(answer.json()) == {"detail", "code"}
        assert await registry.get(QUOTAS) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"id": None}, {"id": ""}, {"id": 5}, {"id": "x" * 65}, {"id": "a b"}, {"categories": None},
        {"categories": "feedback"}, {"categories": [5]}, {"categories": [""]}, {"categories": ["nonsense"]},
        {"categories": ["nonsense"], "limit": 0}, {"categories": ["Feedback"]}, {"categories": ["unknown"]},
        {"categories": ["feedback", "attachment"]}, {"categories": ["feedback", "attachment"], "limit": None},
        {"categories": ["feedback"] * 101}, {"scope": "future"}, {"scope": None}, {"scope": ["project"]},
        {"limit": -1}, {"limit": 1.5}, {"limit": "5"}, {"limit": True}, {"limit": LIMIT_MAX + 1},
        {"window": None}, {"window": 0}, {"window": -60}, {"window": "60"}, {"window": 1.5}, {"window": True},
        {"window": WINDOW_SECONDS_MAX + 1}, {"limit": 0, "window": 0}, {"reasonCode": ""}, {"reasonCode": 5},
        {"reasonCode": "a,b"}, {"reasonCode": "a:b"}, {"reasonCode": "a;b"}, {"reasonCode": "a\r\nX: y"},
        {"reasonCode": "ä"}, {"reasonCode": "x" * 101}, {"sources": ["nonsense"]},
        {"sources": "new_feedback_envelope"}, {"sources": None},
        {"sources": ["new_feedback_envelope"], "categories": ["error"]},
        {"sources": ["new_feedback_envelope"], "categories": []}, {"unknown": 1}, {"scopeId": "1"},
    ],
)  # fmt: skip
def test_an_invalid_quota_is_refused(fields):
    with pytest.raises(RefusedValue, match=r"^quota 1: ") as refused:
        parse_quotas([quota(id="first"), quota(**fields)], 10)
    named = set() if {"unknown", "scopeId"} & fields.keys() else {f"1.{name}" for name in fields}
    assert refused.value.field in (named or {None})


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"categories": ["user_report_v2"]}, {"categories": ["feedback"]}),
        ({"categories": ["user_report_v2", "feedback"]}, {"categories": ["feedback"]}),
        (
            {"categories": ["feedback", "nonsense"], "limit": 0},
            {"categories": ["feedback", "nonsense"], "limit": 0},
        ),
        (
            {"categories": ["feedback", "attachment"], "limit": 0},
            {"categories": ["feedback", "attachment"], "limit": 0},
        ),
        ({"categories": [], "limit": 0, "id": None}, {"categories": [], "limit": 0, "id": "reject-0"}),
        ({"categories": [], "limit": None, "window": None}, {"categories": [], "limit": None, "window": None}),
        ({"limit": 1, "window": 1}, {"limit": 1, "window": 1}),
        ({"limit": 4294967296, "window": WINDOW_SECONDS_MAX}, {"limit": 4294967296, "window": WINDOW_SECONDS_MAX}),
        ({"sources": []}, {}),
        ({"scopeId": None, "namespace": None, "groupBy": None}, {}),
    ],
)
def test_a_valid_quota_is_kept_in_one_form(fields, wanted):
    assert parse_quotas([quota(**fields)], 10) == [quota(**wanted)]


def test_a_quota_that_rejects_all_needs_only_a_limit():
    assert parse_quotas([{"limit": 0}], 10) == [
        {
            "id": "reject-0",
            "categories": [],
            "scope": "organization",
            "limit": 0,
            "window": None,
            "reasonCode": None,
        }
    ]


def test_there_are_at_most_as_many_quotas_as_allowed():
    assert len(parse_quotas([quota(id="a"), quota(id="b")], 2)) == 2
    with pytest.raises(ValueError, match="at most 2"):
        parse_quotas([quota(id="a"), quota(id="b"), quota(id="c")], 2)
