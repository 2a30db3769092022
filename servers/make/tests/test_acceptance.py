from flotilla_testing.acceptance import suite

FLOW = [{"id": 1, "module": "util:SetVariables", "version": 1}]
ATELIER = {"team": "215"}  # of two teams, one must be named

TestAcceptance = suite(
    "make",
    arguments={
        "make_create_scenario": {"blueprint": {"flow": FLOW}, **ATELIER},
        "make_list_hooks": ATELIER,
        "make_list_data_stores": ATELIER,
        "make_list_connections": ATELIER,
        "make_retry_execution": {"wait": 0},  # a real process would wait
        "make_trigger_webhook": {"wait": 2},
    },
)
