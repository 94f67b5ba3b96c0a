"""dlt's rest_api source into SQLite, merge by id, nesting 0. Run by ``pull_http.py`` in the peers' virtualenv.

``peer_dlt.py URL FOLDER --full`` reads everything, without the cost of a bookmark; ``--new`` reads what is newer than
its bookmark.
Prints how many records the load's extract counted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import dlt
from dlt.sources.rest_api import rest_api_source


def main() -> None:
    url, folder, how = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    endpoint: dict[str, Any] = {"path": "invoices", "params": {}, "data_selector": "data"}
    if how == "--new":
        endpoint["incremental"] = {"cursor_path": "modified", "initial_value": 0}
        endpoint["params"] = {"since": "{incremental.start_value}"}
    source = rest_api_source(
        {
            "client": {
                "base_url": url,
                "paginator": {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": "pages"},
            },
            "resources": [
                {
                    "name": "invoices",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "max_table_nesting": 0,
                    "endpoint": endpoint,
                }
            ],
        }
    )
    os.environ.setdefault(
        "DESTINATION__POSTGRES__CREDENTIALS__PASSWORD", "any"
    )  # dlt asks for one also where none is needed
    postgres = sys.argv[4] if len(sys.argv) > 4 else None
    pipeline = dlt.pipeline(
        "books",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.postgres(postgres)
        if postgres
        else dlt.destinations.sqlalchemy(f"sqlite:///{folder / 'books.db'}"),
        dataset_name="main",
    )
    pipeline.run(source)
    normalized = pipeline.last_trace.last_normalize_info
    print(normalized.row_counts.get("invoices", 0) if normalized else 0)


if __name__ == "__main__":
    main()
