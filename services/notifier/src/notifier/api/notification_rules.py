"""A project's notification rules."""

from fastapi import APIRouter, Response
from hearback_fleet.access import PROJECT_WRITE, ProjectScope
from hearback_kit.errors import existing

from notifier.api.deps import AuditDep, Reader, StateDep, Writer
from notifier.api.params import RuleId
from notifier.api.serializers import RuleBody, RuleView, TestStarted, rule_values, rule_view
from notifier.domain.recipients import NotificationRule, rule_destination
from notifier.service.app_state import AppState
from notifier.service.manage_rules import add_rule, change_rule, list_rules, remove_rule, send_test
from notifier.store import destinations
from notifier.store.notification_rules import find_rule

router = APIRouter(
    prefix="/api/0/projects/{organization}/{project}/notification-rules", tags=["notification rules"]
)


@router.get("/", operation_id="listNotificationRules", summary="List the rules of a project")
async def get_rules(state: StateDep, scope: Reader) -> list[RuleView]:
    """Return the rules, oldest first; secrets only for callers who may change them."""
    rules, with_secret = await list_rules(state.database, scope.project.id), scope.may(PROJECT_WRITE)
    return [rule_view(rule, off_reason=reason, with_secret=with_secret) for rule, reason in rules]


@router.post("/", operation_id="createNotificationRule", summary="Add a rule", status_code=201)
async def create_rule(state: StateDep, scope: Writer, audit: AuditDep, body: RuleBody) -> RuleView:
    """Create a rule; it applies to feedback that arrives from now on."""
    rule = await add_rule(state, audit, scope.project, rule_values(body))
    return rule_view(rule, off_reason=None, with_secret=True)


@router.get("/{rule_id}/", operation_id="getNotificationRule", summary="Show a rule")
async def get_rule(state: StateDep, scope: Reader, rule_id: RuleId) -> RuleView:
    """Return a rule, with its secret for those who may change it."""
    rule = existing(await state.database.read(find_rule, scope.project.id, rule_id))
    return await _view(state, scope, rule)


@router.put("/{rule_id}/", operation_id="replaceNotificationRule", summary="Replace a rule")
async def replace_rule(
    state: StateDep, scope: Writer, audit: AuditDep, rule_id: RuleId, body: RuleBody
) -> RuleView:
    """Replace a rule; its secret stays, and a disabled target is enabled again."""
    rule = await change_rule(state, audit, scope.project, rule_id, rule_values(body))
    return await _view(state, scope, rule)


@router.delete("/{rule_id}/", operation_id="deleteNotificationRule", summary="Delete a rule", status_code=204)
async def delete_rule(state: StateDep, scope: Writer, audit: AuditDep, rule_id: RuleId) -> Response:
    """Delete a rule; pending webhooks are refused, pending mails are sent."""
    await remove_rule(state, audit, scope.project, rule_id)
    return Response(status_code=204)


@router.post(
    "/{rule_id}/test/", operation_id="testNotificationRule", summary="Send a test by a rule", status_code=202
)
async def test_rule(state: StateDep, scope: Writer, rule_id: RuleId) -> TestStarted:
    """Send a test notice to the rule's target; the delivery has the result."""
    return TestStarted(delivery_id=str(await send_test(state, scope.project, rule_id)))


async def _view(state: AppState, scope: ProjectScope, rule: NotificationRule) -> RuleView:
    key = rule_destination(rule).key
    reasons = await state.database.read(destinations.find_reasons, [key])
    return rule_view(rule, off_reason=reasons.get(key), with_secret=scope.may(PROJECT_WRITE))
