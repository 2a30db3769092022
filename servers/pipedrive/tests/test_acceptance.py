from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "pipedrive",
    arguments={
        "pipedrive_search_all": {"kinds": ["deal", "person"]},
        "pipedrive_update_record": {"name": "Zoé Roy"},
        "pipedrive_update_deal": {"stage": "Négociation"},
        "pipedrive_create_lead": {"person": "person:5"},
        "pipedrive_update_lead": {"title": "Refonte"},
        "pipedrive_update_activity": {"done": True},
        "pipedrive_delete_deal_product": {"deal": "deal:77"},
        "pipedrive_update_deal_product": {"quantity": "3"},
    },
)
