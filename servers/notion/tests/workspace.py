"""The workspace of a small agency: what the tests, and the stories of other folders, find in the fake Notion."""

from __future__ import annotations

from dataclasses import dataclass

from .fake import FakeNotion, text


@dataclass(frozen=True)
class Workspace:
    """Ids of what stands in the workspace."""

    clients: str
    tasks: str
    dupont: str
    home: str
    marie: str


def furnish(notion: FakeNotion) -> Workspace:
    """Put an agency's databases into an empty workspace."""
    marie = notion.person("Marie Lefèvre", "marie@exemple.fr")
    notion.person("Zoé Martin", "zoe@exemple.fr")
    home = notion.page("Accueil de l’agence")
    clients = notion.database(
        "Clients",
        {
            "Nom": "title", "Statut": ["Lead chaud", "Client", "Perdu"], "E-mail": "email", "Téléphone": "phone_number",
            "Budget": "number", "Site": "url", "Étiquettes": ("multi_select", ["Nurturing", "VIP"]),
            "Responsable": "people", "Rendez-vous": "date", "Notes": "rich_text", "Actif": "checkbox",
            "Documents": "files", "Créé le": "created_time", "Score": "formula", "Numéro": "unique_id",
        },
    )  # fmt: skip
    tasks = notion.database(
        "Tâches",
        {
            "Tâche": "title", "Échéance": "date", "État": ("status", ["À faire", "En cours", "Fait"]),
            "Client": ("relation", clients), "Assignée à": "people",
        },
    )  # fmt: skip
    dupont = notion.row(
        clients, {"Nom": "Jean Dupont", "Statut": {"select": {"name": "Lead chaud"}}, "Budget": {"number": 4500}}
    )
    notion.row(clients, {"Nom": "Hélène Œuvrard", "Notes": {"rich_text": text("Rappeler en juin")}})
    return Workspace(clients, tasks, dupont, home, marie)
