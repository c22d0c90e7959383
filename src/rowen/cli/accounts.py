"""Accounts of Harvest v3 that `rowen import` reads once.

Owns which addresses are those of an account, and what is needed to read one. Must not know rows or documents.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from rowen.cli.mirror import MirrorSettings, account_of
from rowen.mirror.imports import NamedAccount
from rowen.settings import OptionalFile, SettingRow

_ADDRESS: Final = re.compile(r"https?://[^?#]*/v3/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """The options that name the client of accounts."""

    client_id: Annotated[str | None, SettingRow("The client id for accounts of Harvest v3.")] = None
    client_secret_file: Annotated[
        OptionalFile | None,
        SettingRow("A file that holds the client secret for accounts of Harvest v3, and nothing else."),
    ] = None
    token_url: Annotated[
        str | None,
        SettingRow(
            "The address that issues tokens for accounts of Harvest v3. Default: Greenhouse's, or /token on the "
            "account's host."
        ),
    ] = None

    def account(self, address: str) -> NamedAccount:
        """Return the account at an address. Raises BadParameter and SourceError."""
        if not self.client_id or self.client_secret_file is None:
            raise typer.BadParameter(
                "is required for the address of an account of Harvest v3",
                param_hint="--client-id" if not self.client_id else "--client-secret-file",
            )
        settings = MirrorSettings(
            source=address,
            token_url=self.token_url,
            client_id=self.client_id,
            client_secret_file=self.client_secret_file,
        )
        return NamedAccount(*account_of(settings, "SOURCE"))


def divide_arguments(arguments: Sequence[str], credentials: AccountOptions) -> tuple[list[str], list[NamedAccount]]:
    """Return the arguments that name no account, and the accounts. Raises BadParameter and SourceError."""
    addresses = [each for each in arguments if _ADDRESS.fullmatch(each)]
    others = [each for each in arguments if each not in addresses]
    return others, [credentials.account(each) for each in addresses]
