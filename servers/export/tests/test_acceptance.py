"""The quality scale."""

from flotilla_testing.acceptance import suite

TABLE = {
    "columns": ["Date", "Client", "Montant"],
    "rows": [["2026-03-01", "Œuvre d’été", "12,50"], ["2026-03-02", "=1+1", -5]],
    "types": ["date", "", "money EUR"],
}
TestAcceptance = suite(
    "export",
    arguments={
        "export_create_csv": TABLE,
        "export_create_xlsx": TABLE,
        "export_create_pdf": TABLE,
        "export_create_report_pdf": {"markdown": "# Bilan\n\nTotal : **12 €**"},
    },
    lossy={
        "export_create_csv": {"path": "factures.csv", "overwrite": True},
        "export_create_xlsx": {"path": "ancien.xlsx", "overwrite": True},
        "export_create_pdf": {"path": "ancien.pdf", "overwrite": True},
        "export_create_report_pdf": {"path": "ancien.pdf", "overwrite": True},
    },
)
