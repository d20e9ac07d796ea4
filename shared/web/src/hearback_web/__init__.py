"""Layout, components, sign-in checks and forms that the web pages of all services share.

A service creates a `Pages`, installs it into its app, and renders templates with it. `page_scope` authorizes page
routes, and `FormDep` reads forms.
"""

from hearback_web.context import Account, OrganizationLink, PageContext
from hearback_web.edits import Edit, read_edit
from hearback_web.flashes import Flash, Undo, redirect
from hearback_web.forms import Form, FormDep
from hearback_web.guard import (
    PageScope,
    ProjectPageScope,
    SignedIn,
    SignedInDep,
    SignInRequired,
    page_scope,
    project_page_scope,
)
from hearback_web.links import Neighbours, external_url, local_path, neighbours, url_with
from hearback_web.pages import Pages
