"""The OAuth scopes of the tools. https://www.zoho.com/crm/developer/docs/api/v8/scopes.html"""

from __future__ import annotations

# Names are looked up by all of them, with the account's fields, pipelines and users.
LOOK = (
    "ZohoCRM.modules.READ ZohoCRM.coql.READ ZohoSearch.securesearch.READ ZohoCRM.users.READ "
    "ZohoCRM.settings.modules.READ ZohoCRM.settings.fields.READ ZohoCRM.settings.pipeline.READ ZohoCRM.org.READ"
)
READ = [LOOK]
CREATE = [f"{LOOK} ZohoCRM.modules.CREATE"]
UPDATE = [f"{LOOK} ZohoCRM.modules.UPDATE"]
SAVE = [f"{LOOK} ZohoCRM.modules.CREATE ZohoCRM.modules.UPDATE"]
DELETE = [f"{LOOK} ZohoCRM.modules.DELETE"]
CONVERT = [f"{LOOK} ZohoCRM.modules.CREATE ZohoCRM.modules.leads.CREATE"]
TAG = [f"{LOOK} ZohoCRM.settings.tags.ALL"]
ATTACHED = [f"{LOOK} ZohoCRM.modules.attachments.READ"]
ATTACH = [f"{LOOK} ZohoCRM.modules.attachments.CREATE"]
