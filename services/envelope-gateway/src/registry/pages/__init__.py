"""Pages of the registry: sign-in, the first run, settings, and those that links in mails lead to."""

from typing import Final

from registry.pages import (
    account_settings,
    audit_log,
    feedback_settings,
    first_run,
    invitations,
    key_settings,
    member_settings,
    organization_settings,
    project_settings,
    provider_sign_in,
    quota_settings,
    sign_in,
    start,
    token_settings,
    unsubscriptions,
)

# In the order in which paths are matched: `/settings/account/` is no organization's.
PAGE_ROUTERS: Final = tuple(
    page.router
    for page in (
        start,
        sign_in,
        provider_sign_in,
        invitations,
        unsubscriptions,
        first_run,
        account_settings,
        token_settings,
        organization_settings,
        project_settings,
        key_settings,
        feedback_settings,
        quota_settings,
        member_settings,
        audit_log,
    )
)
