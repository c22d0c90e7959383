"""The table of the pages of settings.

Owns their paths, and who may open each. Must not know what a page shows.
"""

from rowen.web.busy import BusyForm
from rowen.web.calls import Calls
from rowen.web.own_availability import AvailabilityForm
from rowen.web.page import PageApplication, PageDeps
from rowen.web.ports import PagePorts
from rowen.web.settings import sections
from rowen.web.settings.hours import HoursPages
from rowen.web.settings.jobs import JobPages
from rowen.web.settings.keys import KeyPages
from rowen.web.settings.organization import OrganizationPages
from rowen.web.settings.people import PeoplePages
from rowen.web.settings.people_import import PeopleListPages
from rowen.web.settings.pools import PoolPages
from rowen.web.settings.rooms import RoomPages
from rowen.web.settings.sections import (
    HOURS,
    JOBS,
    KEYS,
    OPENED_BY,
    ORGANIZATION,
    PEOPLE,
    POOLS,
    ROOMS,
    SIGN_IN,
    WEBHOOKS,
    first_section,
)
from rowen.web.settings.stages import StagePages
from rowen.web.settings.webhooks import WebhookPages


def settings_pages(ports: PagePorts, deps: PageDeps) -> list[PageApplication]:
    """Return the pages of settings."""
    people, jobs, rooms, keys = PeoplePages(ports), JobPages(ports), RoomPages(ports), KeyPages(ports)
    stages, pools = StagePages(ports), PoolPages(ports)
    people_list, webhooks, organization = PeopleListPages(ports), WebhookPages(ports), OrganizationPages(ports)
    calls = Calls(ports.services, deps.public_url)
    hours = HoursPages(ports, AvailabilityForm(ports, calls), BusyForm(ports, calls))
    one_job, one_webhook = f"{JOBS.path}/{{id}}", f"{WEBHOOKS.path}/{{id}}"
    table = {
        PEOPLE: {
            PEOPLE.path: {"GET": people.show, "POST": people.add},
            f"{PEOPLE.path}/list": {"GET": people_list.show, "POST": people_list.submit},
            f"{PEOPLE.path}/{{id}}": {"GET": people.show_person, "POST": people.change},
        },
        HOURS: {
            HOURS.path: {"GET": hours.show, "POST": hours.give},
            f"{HOURS.path}/{{id}}": {"GET": hours.show_one, "POST": hours.save_one},
            f"{HOURS.path}/{{id}}/busy": {"GET": hours.show_busy, "POST": hours.change_busy},
        },
        JOBS: {
            JOBS.path: {"GET": jobs.show, "POST": jobs.add},
            one_job: {"GET": jobs.show_one, "POST": jobs.change},
            f"{one_job}/stages/{{stage}}": {"GET": stages.show, "POST": stages.change},
            f"{one_job}/interviews/{{interview}}": {"GET": jobs.show_interview, "POST": jobs.change_interview},
        },
        POOLS: {
            POOLS.path: {"GET": pools.show, "POST": pools.add},
            f"{POOLS.path}/{{id}}": {"GET": pools.show_one, "POST": pools.change},
        },
        ROOMS: {
            ROOMS.path: {"GET": rooms.show, "POST": rooms.add},
            f"{ROOMS.path}/{{id}}": {"GET": rooms.show_one, "POST": rooms.change},
        },
        KEYS: {KEYS.path: {"GET": keys.show, "POST": keys.change}},
        WEBHOOKS: {
            WEBHOOKS.path: {"GET": webhooks.show, "POST": webhooks.add},
            one_webhook: {"GET": webhooks.show_one, "POST": webhooks.change},
            f"{one_webhook}/deliveries/{{event}}": {"GET": webhooks.show_delivery, "POST": webhooks.change_delivery},
        },
        SIGN_IN: {SIGN_IN.path: {"GET": organization.show_sign_in}},
        ORGANIZATION: {ORGANIZATION.path: {"GET": organization.show, "POST": organization.save}},
    }
    pages = [
        PageApplication(path, handlers, deps, roles=section.roles)
        for section, paths in table.items()
        for path, handlers in paths.items()
    ]
    return [PageApplication(sections.PATH, {"GET": first_section}, deps, roles=OPENED_BY), *pages]
