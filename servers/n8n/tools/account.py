"""Projects, variables and credentials. https://docs.n8n.io/api/api-reference/"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, readable, segment

from ..client import api
from ..lookup import ProjectRef, everything, project_of
from ..models import Credential, CredentialField, CredentialSchema, Project, Variable

tools = Toolset("account")


@tools.reads(search="projets équipes espaces projects teams")
async def list_projects(limit: Limit = 50, cursor: Cursor = None) -> Page[Project]:
    """List the projects that workflows, credentials and variables belong to, with the names that other tools take.

    Projects need a licence of n8n that includes them; without one, all workflows are in one place, and the project
    argument of n8n_list_workflows is left out.
    """
    return await api.page("/projects", Project, limit=limit, cursor=cursor)


@tools.reads(core=False, search="variables paramètres valeurs environnement settings")
async def list_variables(project: ProjectRef = None, limit: Limit = 50, cursor: Cursor = None) -> Page[Variable]:
    """List the variables that workflows read as $vars.KEY, with their values. Variables need a licence with them.

    Secrets do not belong there, but somebody may have put one in: do not repeat values without need.
    """
    params = {"projectId": await project_of(project)} if project else {}
    return await api.page("/variables", Variable, params=params, limit=limit, cursor=cursor)


@tools.writes(
    core=False, additive=False, idempotent=True, search="créer modifier variable changer valeur nouvelle create update"
)
async def set_variable(
    key: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z][A-Za-z0-9_]{0,49}$",
            description="Key of the variable: letters, digits and underscores.",
            examples=["TAUX_TVA"],
        ),
    ],
    value: Annotated[str, Field(max_length=1000, description="Value of the variable, as text.", examples=["20"])],
    project: ProjectRef = None,
) -> Variable:
    """Set a variable that workflows read as $vars.KEY: the one of this key gets the value, else a new one is made.

    Workflows read the new value at their next run; the one before is not kept. It belongs to the whole n8n, or to one
    project. To see which variables there are, use n8n_list_variables. Variables need a licence with them.
    """
    wanted = await project_of(project) if project else None
    params = {"projectId": wanted} if wanted else {}
    known = readable(Variable, await everything("/variables", **params))
    existing = next((one for one in known if one.key == key and bool(one.project) is bool(wanted)), None)
    body = {"key": key, "value": value, "projectId": wanted}
    if existing and existing.id:
        await api.send("PUT", f"/variables/{segment(existing.id)}", json=body, idempotent=True)
        return existing.model_copy(update={"value": value})
    await api.send("POST", "/variables", json=body)
    return Variable(key=key, value=value)


@tools.reads(core=False, search="identifiants connexions comptes credentials accounts")
async def list_credentials(limit: Limit = 50, cursor: Cursor = None) -> Page[Credential]:
    """List the credentials that nodes can use, by name, type and id. What they hold is never shown.

    Nodes of n8n_create_workflow name them by id. To see which fields a type has, use n8n_get_credential_schema.
    """
    page = await api.page("/credentials", Credential, limit=limit, cursor=cursor)
    return page.model_copy(update={"items": [one.within(api.zone) for one in page.items]})


@tools.reads(core=False, search="schéma champs type identifiants credentials fields")
async def get_credential_schema(
    type: Annotated[  # noqa: A002 - n8n's word
        str,
        Field(
            pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,127}$",
            description="Type of credential as n8n names it, such as in n8n_list_credentials.",
            examples=["githubApi"],
        ),
    ],
) -> CredentialSchema:
    """Get which fields a type of credential has, and which of them are required, so that the user can prepare them.

    No tool creates a credential: secrets are typed into n8n itself. For those that exist, use n8n_list_credentials.
    """
    answer = await api.get(f"/credentials/schema/{segment(type)}")
    properties, required = answer.get("properties"), answer.get("required")
    rows = properties.items() if isinstance(properties, dict) else ()
    fields = [_field(str(name), about, required) for name, about in rows]
    return CredentialSchema(type=type, fields=fields)


def _field(name: str, about: Any, required: Any) -> CredentialField:
    about = about if isinstance(about, dict) else {}
    choices = about.get("enum")
    return CredentialField(
        name=name,
        type=about["type"] if isinstance(about.get("type"), str) else None,
        required=isinstance(required, list) and name in required,
        choices=[str(one) for one in choices] if isinstance(choices, list) else [],
    )
