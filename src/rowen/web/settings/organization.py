"""The settings of the organization, and how its people sign in.

Owns these pages. Must not know how an organization is stored.
"""

from typing import TYPE_CHECKING, Final

from rowen.api.reading import values
from rowen.app.organizations import DoubleBooking, Organization, OrganizationChange
from rowen.app.sessions import IDLE_LIFETIME, LINK_LIFETIME, SESSION_LIFETIME
from rowen.web.forms import Form
from rowen.web.organization_form import configured
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, WebRequest, zone_of
from rowen.web.settings.access import access_of
from rowen.web.settings.sections import ORGANIZATION, SIGN_IN, rendered
from rowen.web.zones import zone_groups

if TYPE_CHECKING:
    from rowen.web.provider.client import ProviderSettings  # a server without a provider needs none of it

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_LONGEST_GRACE: Final = 7 * 24 * 60


class OrganizationPages:
    """The pages of the organization."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports

    async def show(self, request: WebRequest) -> Answer:
        """Show the settings."""
        return self._page(request, Form(request.language))

    async def save(self, request: WebRequest) -> Answer:
        """Store the settings."""
        form = Form(request.language, request.form)
        organization = request.session.person.organization
        name = organization.name if self._is_fixed(organization) else form.read("name", values.name, "form.name")
        policy = next((each for each in DoubleBooking if each.value == form.value("double_booking")), None)
        grace = form.whole("grace", 0, _LONGEST_GRACE, "form.minutes")
        zone = form.text("time_zone")
        if zone_of(zone) is None:
            form.note("time_zone", "organization.bad_zone")
        if policy is None:
            form.note("double_booking", "organization.policy_needed")
        if form.problems or name is None or policy is None or grace is None:
            return self._page(request, form)
        change = OrganizationChange(name, zone, policy, grace * _MINUTE)
        if not await configured(self._ports.organizations, organization.id, change, form, "name"):
            return self._page(request, form)
        return Redirected(ORGANIZATION.path, message="saved")

    async def show_sign_in(self, request: WebRequest) -> Answer:
        """Show how people sign in."""
        organization = request.session.person.organization
        provider, people = self._provider(organization), await access_of(self._ports, organization.id)
        signed_in = sorted((each for each in people.values() if each.sessions), key=lambda each: -each.sessions)
        shown = {
            "provider": provider,
            "signed_in": [(each.user_id, each.name or each.email or "", each.sessions) for each in signed_in],
            "groups": []
            if provider is None
            else [(group, f"role.{role.value}") for group, role in provider.roles.items()],
            "link_hours": LINK_LIFETIME // _HOUR,
            "idle_days": IDLE_LIFETIME // _HOUR // 24,
            "most_days": SESSION_LIFETIME // _HOUR // 24,
            "address": f"{request.origin}{request.base}/",
        }
        return rendered(request, SIGN_IN, "settings_sign_in.html", shown)

    def _is_fixed(self, organization: Organization) -> bool:
        """Return whether the settings of the server name the organization, so that its name has to stay."""
        return self._ports.demo is not None or self._provider(organization) is not None

    def _provider(self, organization: Organization) -> "ProviderSettings | None":
        """Return the settings of the identity provider of the organization, if it has one."""
        provided = self._ports.provided
        settings = None if provided is None else provided.provider.settings
        return settings if settings is not None and settings.organization == organization.name else None

    def _page(self, request: WebRequest, form: Form) -> Answer:
        organization, text = request.session.person.organization, request.language.text
        form.default("name", organization.name)
        form.default("time_zone", organization.time_zone)
        form.default("double_booking", organization.double_booking.value)
        form.default("grace", str(organization.grace // _MINUTE))
        shown = {
            "form": form,
            "zones": zone_groups(request.language, organization.time_zone, request.device_zone),
            "policies": [(each.value, text(f"organization.{each.value}")) for each in DoubleBooking],
            "fixed": self._is_fixed(organization),
        }
        return rendered(request, ORGANIZATION, "settings_organization.html", shown, form.status)
