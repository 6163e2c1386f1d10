"""Write the files that follow from the typed model.

``python -m synreduce.configuration.generate`` in the root of the repository.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from synreduce.configuration.default_file import default_yaml
from synreduce.configuration.reference import json_schema, reference_table_markdown


def generated_files() -> dict[str, str]:
    """List all generated files.

    Returns
    -------
    dict of str to str
        Path from the root of the repository to content.
    """
    return {
        "config/default.yaml": default_yaml(),
        "docs/reference/configuration.md": reference_table_markdown(),
        "workflow/schemas/config.schema.json": json.dumps(json_schema(), indent=2) + "\n",
    }


def main(root: str = ".") -> None:
    """Write all generated files.

    Parameters
    ----------
    root : str, optional
        Root of the repository.
    """
    for path, content in generated_files().items():
        target = Path(root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        sys.stdout.write(f"wrote {target}\n")


if __name__ == "__main__":
    main(*sys.argv[1:2])
