"""The settings of a server, as one typed table: a row holds the name, type, default, range and help of a setting.

Owns the rows. Options, environment variables and the table in docs/reference/settings.md are made from them, so that a
new setting needs only its row; a new type of text needs one line in `cli/options.py`, too. Must not know how a value is
read from text or what a server does with it.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, NewType, get_args, get_type_hints

DatabaseUrl = NewType("DatabaseUrl", str)
"""`sqlite:///FILE` or `postgresql://USER@HOST/NAME`; `rowen.store.database.locate` reads it."""

RedisUrl = NewType("RedisUrl", str)
"""`redis://HOST:PORT/0`; `rowen.http.shared_rate_limit` reads it."""

PublicUrl = NewType("PublicUrl", str)
"""An http or https URL without a query."""

HostName = NewType("HostName", str)
"""The name or IP address of a host, without a port."""

GroupRole = NewType("GroupRole", str)
"""`coordinator=GROUP`: the role that a group of an identity provider has."""

IsoTime = NewType("IsoTime", str)
"""An ISO-8601 date or time, as it was given."""

OptionalFile = NewType("OptionalFile", Path)
"""A file that is read only if it is needed, which is when it may turn out to be missing."""

OrganizationName = NewType("OrganizationName", str)
"""Up to 100 letters, digits, spaces and `. _ - @`."""

DEFAULT_DATABASE: Final = DatabaseUrl("sqlite:///rowen.db")
DEFAULT_ORGANIZATION: Final = OrganizationName("default")
DEFAULT_CONNECTIONS: Final = 8_192
LARGEST_RATE_LIMIT: Final = 1_000_000_000
DATABASE_HELP: Final = "The database: sqlite:///FILE or postgresql://USER@HOST/NAME."
_PREFIX: Final = "ROWEN_"
REPEATED: Final = "Repeat for more; separate by spaces in the variable."
_MOST_WORKERS: Final = 512  # each is a process that takes about 100 MB


class SettingRow(NamedTuple):
    """What a row of a table of settings holds beside name, type and default: the help, and the range of a number.

    The option is called as the attribute is, unless `option` names it, and the environment variable as the option is,
    unless `variable` names it. `metavar` is what help shows in place of a value.
    """

    help: str
    least: int | None = None
    most: int | None = None
    option: str | None = None
    variable: str | None = None
    metavar: str | None = None


class Setting(NamedTuple):
    """A row of a table of settings: `name` is its attribute, `kind` its type, `least` and `most` its range.

    The environment variable is `ROWEN_PUBLIC_URL` for `--public-url`, unless the row names another.
    """

    name: str
    kind: Any
    default: Any
    help: str
    option: str
    least: int | None
    most: int | None
    variable: str
    metavar: str | None


def settings_of(table: type) -> list[Setting]:
    """Return the rows of a dataclass, of which each attribute is `Annotated[type, Row(...)]` with a default."""
    kinds = get_type_hints(table, include_extras=True)
    found = []
    for each in fields(table):
        kind, row = get_args(kinds[each.name])
        option = row.option or f"--{each.name.replace('_', '-')}"
        variable = row.variable or _PREFIX + option.removeprefix("--").replace("-", "_").upper()
        found.append(
            Setting(each.name, kind, each.default, row.help, option, row.least, row.most, variable, row.metavar)
        )
    return found


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server runs."""

    database: Annotated[
        DatabaseUrl | None, SettingRow(f"{DATABASE_HELP} Default: {DEFAULT_DATABASE}, or a temporary one for the demo.")
    ] = None
    replicas: Annotated[
        tuple[DatabaseUrl, ...],
        SettingRow(f"A PostgreSQL standby of --database to read from. {REPEATED}", option="--replica"),
    ] = ()
    host: Annotated[str, SettingRow("The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, SettingRow("The port to listen on.", 1, 65_535)] = 8000
    workers: Annotated[int, SettingRow("How many worker processes to start.", 1, _MOST_WORKERS)] = 1
    connections: Annotated[
        int,
        SettingRow(
            "How many connections each worker keeps open. Near the limit, those idle longest are closed.", 16, 1_000_000
        ),
    ] = DEFAULT_CONNECTIONS
    http2: Annotated[bool, SettingRow("Accept HTTP/2 without TLS, from a proxy. Linux only.")] = False
    public_url: Annotated[
        PublicUrl | None,
        SettingRow("The address that clients use, for links in responses. Default: the address of each request."),
    ] = None
    rate_limit: Annotated[
        int, SettingRow("How many requests a key may make in 10 seconds; 0 for no limit.", 0, LARGEST_RATE_LIMIT)
    ] = 1_000
    v3_rate_limit: Annotated[
        int,
        SettingRow("How many requests a client of v3 may make in 30 seconds; 0 for no limit.", 0, LARGEST_RATE_LIMIT),
    ] = 3_000
    rate_limit_store: Annotated[
        RedisUrl | None,
        SettingRow(
            "A Redis in which all workers and servers count requests together: redis://HOST:PORT/0. Default: each "
            "worker counts its own."
        ),
    ] = None
    require_https: Annotated[bool, SettingRow("Refuse plain HTTP from other machines.")] = False
    tls_certificate: Annotated[Path | None, SettingRow("A certificate chain in PEM, read again at SIGHUP.")] = None
    tls_key: Annotated[Path | None, SettingRow("The private key of the certificate in PEM, not encrypted.")] = None
    access_log: Annotated[bool, SettingRow("Log every request.")] = False
    public_metrics: Annotated[bool, SettingRow("Show /metrics to other machines, too.")] = False
    webhook_allow: Annotated[
        tuple[HostName, ...],
        SettingRow(f"Allow webhooks to this host, and calendars from it, even if its address is private. {REPEATED}"),
    ] = ()
    mirror_webhook_secret_file: Annotated[
        Path | None,
        SettingRow(
            "A file that holds the secret of webhooks from mirrored accounts, and nothing else: it turns them on."
        ),
    ] = None
    busy_pushed_age: Annotated[
        int,
        SettingRow("For how many minutes busy times that were pushed are taken for current.", 1, 525_600),
    ] = 1_440
    busy_address_age: Annotated[
        int,
        SettingRow(
            "For how many minutes busy times read from an address are taken for current. "
            "It is read four times as often.",
            4,
            525_600,
        ),
    ] = 60
    no_pages: Annotated[bool, SettingRow("Serve the API only, without pages for people.")] = False
    oidc_issuer: Annotated[
        PublicUrl | None,
        SettingRow("The identity provider (OpenID Connect) at which people sign in: https, or http on this machine."),
    ] = None
    oidc_client_id: Annotated[str | None, SettingRow("The id of the client that this server is at the provider.")] = (
        None
    )
    oidc_client_secret_file: Annotated[
        Path | None, SettingRow("A file that holds the secret of that client, and nothing else.")
    ] = None
    oidc_roles: Annotated[
        tuple[GroupRole, ...],
        SettingRow(
            f"The role (admin, coordinator, interviewer) of a group at the provider: coordinator=GROUP. {REPEATED}",
            option="--oidc-role",
        ),
    ] = ()
    oidc_groups_claim: Annotated[str, SettingRow("The claim in which the provider names a person's groups.")] = "groups"
    oidc_organization: Annotated[
        OrganizationName, SettingRow("The organization that people who sign in at the provider belong to.")
    ] = DEFAULT_ORGANIZATION
    mirror_wait: Annotated[
        int,
        SettingRow(
            "How many seconds a write waits that passes through `rowen mirror --write-through` to an account.", 1, 300
        ),
    ] = 30
    demo: Annotated[bool, SettingRow("Serve a year of an invented team, on this machine only.")] = False

    @property
    def database_url(self) -> DatabaseUrl:
        """The database to serve."""
        return self.database or DEFAULT_DATABASE


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """What the other commands work with."""

    organization: Annotated[OrganizationName, SettingRow("The organization.")] = DEFAULT_ORGANIZATION
    database: Annotated[DatabaseUrl, SettingRow(DATABASE_HELP)] = DEFAULT_DATABASE
