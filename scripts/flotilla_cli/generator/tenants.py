"""The stack for many tenants on one machine: PostgreSQL, the switchboard with all servers, what receives webhooks."""

from __future__ import annotations

from typing import Any

from flotilla import Server, ServerSettings, Service
from flotilla_cli.generator.compose import CONSOLE, HARDENED, METRICS, PORT, TAG, beside
from flotilla_cli.generator.text import MARK, as_yaml
from flotilla_launcher.naming import image

POSTGRES = "postgres:17"
SCRIPT = "create-role.sh"  # beside the stack
DATABASE_PASSWORD = "${FLOTILLA_DATABASE_PASSWORD:?set FLOTILLA_DATABASE_PASSWORD in .env}"
RECEIVER = "WEBHOOKS_PUBLIC_URL"  # of all tenants' webhooks; each one's address follows from it
OF_THE_SWITCHBOARD = (  # by name: .env may hold each, empty is not set
    "FLOTILLA_PUBLIC_URL",
    "FLOTILLA_PLAIN_HTTP",
    "FLOTILLA_JWT_KEYS",
    "FLOTILLA_JWT_ISSUER",
    "FLOTILLA_JWT_AUDIENCE",
    "FLOTILLA_INTROSPECTION_URL",
    "FLOTILLA_INTROSPECTION_CLIENT_ID",
    "FLOTILLA_INTROSPECTION_CLIENT_SECRET",
    "FLOTILLA_TENANT_CLAIM",
)
OPENBAO = ("FLOTILLA_TENANT_KEY_URL", "FLOTILLA_TENANT_KEY_TOKEN")
OF_THE_OPERATOR = (*OF_THE_SWITCHBOARD, *OPENBAO)
VAULT = {
    "FLOTILLA_TENANTS": "postgresql://flotilla@database/flotilla",
    "PGPASSWORD": DATABASE_PASSWORD,
    **{name: f"${{{name}:-}}" for name in ("FLOTILLA_TENANT_KEY", *OPENBAO)},
}
# What PostgreSQL's image runs once, on an empty volume. The switchboard refuses a superuser, whom row-level security
# does not hold; the image's own one keeps no password, so that nobody logs in as it over the network.
CREATE_ROLE = f"""\
{MARK}
psql --set=ON_ERROR_STOP=1 --set=password="$POSTGRES_PASSWORD" --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
CREATE ROLE flotilla LOGIN PASSWORD :'password';
CREATE DATABASE flotilla OWNER flotilla ENCODING 'UTF8' TEMPLATE template0;
ALTER ROLE CURRENT_USER PASSWORD NULL;
SQL
"""


def compose_tenants(servers: dict[str, Server[Any]]) -> str:
    """Return the stack: `docker compose --env-file .env -f compose/compose.tenants.yaml up --detach --wait`."""
    services = {"database": _database(), "switchboard": _switchboard()}
    for slug, server in servers.items():
        if (service := server.integration.service) and service.of_tenants:
            services[f"{slug}-{service.mode}"] = _beside(server, service, service.of_tenants)
    stack = {
        "name": "flotilla-tenants",
        "services": services,
        "networks": {"public": {}, "database": {"internal": True}},
        "volumes": {name: {"name": name} for name in VOLUMES},
        # A file is mounted; text that stands here would be copied, which a read-only container does not allow.
        "configs": {"create-role": {"file": SCRIPT}},
    }
    return as_yaml(stack, f"{MARK}\n# Many tenants on one machine: see docs/tenants.md.")


VOLUMES = ("flotilla-tenants-database", "flotilla-tenants-state", "flotilla-tenants-data")


def _database() -> dict[str, Any]:
    """Return PostgreSQL, as its image's own user and with no way in but the switchboard's network."""
    return {
        "image": f"${{FLOTILLA_POSTGRES_IMAGE:-{POSTGRES}}}",
        **HARDENED,
        "user": "postgres",
        "tmpfs": ["/tmp", "/var/run/postgresql"],
        "shm_size": "128m",
        "stop_grace_period": "60s",
        "environment": {
            "PGDATA": "/var/lib/postgresql/data",
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": DATABASE_PASSWORD,
        },
        "configs": [{"source": "create-role", "target": "/docker-entrypoint-initdb.d/create-role.sh"}],
        "volumes": ["flotilla-tenants-database:/var/lib/postgresql/data"],
        "networks": ["database"],
        "healthcheck": {  # over TCP, which the image opens only once the role is there
            "test": ["CMD", "pg_isready", "--host=127.0.0.1", "--username=flotilla", "--dbname=flotilla"],
            "interval": "5s",
            "timeout": "3s",
            "retries": 12,
            "start_period": "60s",
        },
    }


def _switchboard() -> dict[str, Any]:
    """Return the switchboard, which starts the servers of each tenant as processes of its container."""
    return {
        "image": image("fleet", TAG),
        **HARDENED,
        "mem_limit": "${FLOTILLA_MEMORY:-2g}",
        "cpus": "${FLOTILLA_CPUS:-2}",
        "pids_limit": 4096,
        "environment": {
            "FLOTILLA_TRANSPORT": "http",  # read by the health check too
            "FLOTILLA_HOST": "0.0.0.0",
            "FLOTILLA_PORT": "8811",
            **VAULT,
            "FLOTILLA_STATE_KEY": "${FLOTILLA_STATE_KEY:?set FLOTILLA_STATE_KEY in .env}",
            "FLOTILLA_ALLOWED_HOSTS": "switchboard,${FLOTILLA_ALLOWED_HOSTS:-}",
            **CONSOLE,
            **METRICS,
            RECEIVER: f"${{{RECEIVER}:-}}",
            **{name: f"${{{name}:-}}" for name in OF_THE_SWITCHBOARD},
        },
        "volumes": ["flotilla-tenants-state:/state", "flotilla-tenants-data:/data"],
        "networks": ["public", "database"],
        "depends_on": {"database": {"condition": "service_healthy"}},
        "ports": [PORT],
    }


def _beside(server: Server[Any], service: Service, settings: type[ServerSettings]) -> dict[str, Any]:
    """Return a program that works for all tenants: their settings are in the vault, its own in .env.

    It needs no FLOTILLA_STATE_KEY: each tenant's server has its key in the tenant's folder.
    """
    receiver = beside(server, service, settings)
    del receiver["environment"]["FLOTILLA_STATE_KEY"]
    return {
        **receiver,
        "image": image("fleet", TAG),  # which has the switchboard's package and the driver
        "command": [server.slug, service.mode],
        "environment": {**receiver["environment"], **VAULT},
        "volumes": ["flotilla-tenants-state:/state"],
        "networks": ["public", "database"],
        "depends_on": {"database": {"condition": "service_healthy"}},
    }
