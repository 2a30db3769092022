from flotilla_testing.acceptance import suite

NODES = [{"name": "Webhook", "type": "n8n-nodes-base.webhook", "position": [0, 0], "parameters": {"path": "devis"}}]

TestAcceptance = suite(
    "n8n",
    arguments={
        "n8n_create_workflow": {"nodes": NODES},
        "n8n_update_workflow": {"name": "Relance douce"},
        "n8n_create_tag": {"name": "Devis"},
        "n8n_stop_execution": {"execution": "1043"},
    },
    lossy={"n8n_update_workflow": {"nodes": NODES, "connections": {}}},
)
