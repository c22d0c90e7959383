"""The fields of an organization in forms: its name and its time zone.

Owns how a refused change is put into words. Must not know a page.
"""

from rowen.app.organizations import OrganizationChange, Organizations
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.web.forms import Form


async def configured(
    organizations: Organizations, organization: OrganizationId, change: OrganizationChange, form: Form, name: str
) -> bool:
    """Store the settings of an organization; False, with the problem noted, if they are refused.

    `name` is the field with the organization's name.
    """
    try:
        await organizations.configure(organization, change)
    except Refusal as refusal:
        if refusal.code is Code.CONFLICT:
            form.note(name, "organization.taken")
        elif refusal.code is Code.INVALID:
            form.note("time_zone", "organization.zone_fixed")
        else:
            raise
        return False
    return True
