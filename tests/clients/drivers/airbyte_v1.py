"""Makes calls with the connector of `airbyte-agent-greenhouse`, in its own environment.

Reads one call a line, `["entity.action", {parameters}]`, and writes one answer a line. Only the address is changed.
"""

import asyncio
import json
import os
import sys

import airbyte_agent_greenhouse as package


def connector() -> package.GreenhouseConnector:
    """Return a connector to the server: the package has no setting for its address."""
    made = package.GreenhouseConnector(
        auth_config=package.models.GreenhouseAuthConfig(api_key=os.environ["GREENHOUSE_API_KEY"])
    )
    transport = made._executor.http_client  # noqa: SLF001  (its only way to another address)
    assert transport.base_url == "https://harvest.greenhouse.io/v1"
    transport.base_url = os.environ["ROWEN_ADDRESS"] + "/v1"
    return made


async def main() -> None:
    """Answer calls until the input ends."""
    made = connector()
    for line in sys.stdin:
        name, parameters = json.loads(line)
        try:
            answer = {"result": await made.execute(*name.split("."), parameters)}
        except Exception as error:
            answer = {"raised": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


asyncio.run(main())
