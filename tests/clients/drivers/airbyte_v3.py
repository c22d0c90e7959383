"""Makes calls with the connector `greenhouse` of `airbyte-agent-sdk`, in its own environment.

Reads one call a line, `["entity.action", {parameters}]`, and writes one answer a line. Only the addresses are changed.
"""

import asyncio
import json
import os
import sys

import airbyte_agent_sdk.connectors.greenhouse as package
from airbyte_agent_sdk.connectors.greenhouse.connector_model import GreenhouseConnectorModel


def point_to(address: str) -> None:
    """Set the addresses of the connector: it has no setting for them."""
    model = GreenhouseConnectorModel
    assert model.base_url == "https://harvest.greenhouse.io/v3"
    assert model.auth.config["refresh_url"] == "https://auth.greenhouse.io/token"
    model.base_url = address + "/v3"
    model.auth.config["refresh_url"] = address + "/token"


async def main() -> None:
    """Answer calls until the input ends."""
    credentials = {name: os.environ[name.upper()] for name in ("client_id", "client_secret", "refresh_token")}
    connector = package.GreenhouseConnector(auth_config=package.GreenhouseAuthConfig(**credentials))
    for line in sys.stdin:
        name, parameters = json.loads(line)
        try:
            found = await connector.execute(*name.split("."), parameters)
            answer = {"result": found.model_dump(mode="json")}
        except Exception as error:
            answer = {"raised": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


point_to(os.environ["ROWEN_ADDRESS"])
asyncio.run(main())
