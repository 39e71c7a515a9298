"""Shows a run: tables for the terminal, markdown for Prefect, JSON, and a self-contained page.

Everything reads one `RunResult`; nothing here looks at samples or models.
"""

from tasks.report.compare import compare_markdown, differences_to_base
from tasks.report.page import write_html
from tasks.report.tables import as_json, as_markdown, as_table

__all__ = [
    "as_json",
    "as_markdown",
    "as_table",
    "compare_markdown",
    "differences_to_base",
    "write_html",
]
