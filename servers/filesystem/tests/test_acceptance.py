"""The quality scale."""

from flotilla_testing.acceptance import suite

TestAcceptance = suite(
    "filesystem",
    lossy={
        "fs_write_file": {"path": "notes.txt", "overwrite": True},
        "fs_move_file": {"source": "reports/june.md", "destination": "notes.txt", "overwrite": True},
        "fs_copy_file": {"source": "reports/june.md", "destination": "notes.txt", "overwrite": True},
    },
)
